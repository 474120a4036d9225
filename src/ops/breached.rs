//! The file of a filter of breached passwords: a head, then blocks. It is looked into at one place at a time, and never
//! read whole. It is built in bounded memory: keys go to files by their first bits, and each of these is sorted on its own.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::crypto::filter::{self, BLOCK, KEYS_PER_BLOCK};

/// How a filter begins: its name, its version, and the number of its blocks in eight bytes.
const MAGIC: &[u8; 8] = b"zssoBF1\n";

/// The head takes the place of a block, so that blocks begin where pages do.
const HEAD: u64 = BLOCK as u64;

/// Keys that one file of a part has at most on average: 32 MiB to sort.
const KEYS_PER_PART: u64 = 4 << 20;

/// Parts, at most: each is an open file while lists are read, and some systems allow 256. Also how many there are where the
/// size of the lists is not known.
const MAX_PARTS: u64 = 200;

/// The shortest line on average, for how many keys there may be in so many bytes.
const SHORTEST_LINE: u64 = 8;

/// An open filter.
#[derive(Debug)]
pub struct BreachedFilter {
    file: File,
    blocks: u64,
}

impl BreachedFilter {
    /// Opens the file of a filter.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(path: &Path) -> Result<Self, String> {
        let told = |problem: &str| format!("password.breached_filter: {}: {problem}", path.display());
        let mut file = File::open(path).map_err(|error| told(&error.to_string()))?;
        let mut head = [0; 16];
        let size = file.metadata().map_err(|error| told(&error.to_string()))?.len();
        let is_read = file.read_exact(&mut head).is_ok();
        let (magic, blocks) = head.split_at(8);
        let blocks = blocks.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        let whole = blocks.checked_mul(HEAD).and_then(|bytes| bytes.checked_add(HEAD));
        if !is_read || magic != MAGIC || blocks == 0 || whole != Some(size) {
            return Err(told(
                "not a filter, or not a whole one: make it with zato-sso build-breached-filter",
            ));
        }
        Ok(Self { file, blocks })
    }

    /// Whether a password is in it, or seems to be: of those that are not, one in 65,536 does. One read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn has(&self, password: &[u8]) -> io::Result<bool> {
        let key = filter::key_of(password);
        let mut block = [0; BLOCK];
        let offset = HEAD + filter::block_of(key, self.blocks) * HEAD;
        read_at(&self.file, &mut block, offset)?;
        Ok(filter::has(&block, key))
    }
}

#[cfg(unix)]
fn read_at(file: &File, block: &mut [u8; BLOCK], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, block, offset)
}

#[cfg(windows)]
fn read_at(file: &File, block: &mut [u8; BLOCK], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = block.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match std::os::windows::fs::FileExt::seek_read(file, rest, offset + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => done += count,
        }
    }
    Ok(())
}

/// What a build has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterSummary {
    /// Different passwords.
    pub passwords: u64,
    /// Lines that were read, empty ones aside.
    pub lines: u64,
    /// The size of the filter, in bytes.
    pub size: u64,
}

/// Builds a filter from lists, one password or SHA-1 a line. It takes the place of the file at `out` when it is whole, and
/// needs eight bytes a line beside it meanwhile. `show` is told how many lines are read, and the share of all work, which is
/// not known of lists that come through a pipe.
///
/// # Errors
/// What is wrong with which file: one that cannot be read or written, a list that is compressed or has other digests, and
/// an existing file at `out` that is no filter.
pub fn build_breached_filter(
    lists: &[PathBuf],
    out: &Path,
    mut show: impl FnMut(u64, Option<f64>),
) -> Result<FilterSummary, String> {
    let name = out.file_name().ok_or_else(|| format!("{}: not the name of a file", out.display()))?;
    check_place(out)?;
    let beside = |ending: String| {
        let mut name = name.to_owned();
        name.push(ending);
        out.with_file_name(name)
    };
    let total = sizes(lists)?;
    let enough = |total: u64| (total / SHORTEST_LINE / KEYS_PER_PART + 1).min(MAX_PARTS);
    let count = total.map_or(MAX_PARTS, enough);
    let share = |share: f64| total.map(|_| share);
    let mut parts = Parts { files: Vec::new() };
    for number in 0..count {
        parts.files.push(Part::create(beside(format!(".part{number}")))?);
    }
    let mut summary = FilterSummary::default();
    let mut read = 0;
    for list in lists {
        read_list(list, |line| {
            read += line.len() as u64 + 1;
            if let Some(key) = filter::key_of_line(line) {
                summary.lines += 1;
                parts.add(key)?;
            }
            if summary.lines.is_multiple_of(65_536) {
                show(summary.lines, total.map(|total| read as f64 / total.max(1) as f64 * 0.6));
            }
            Ok(())
        })?;
    }
    for (number, part) in parts.files.iter_mut().enumerate() {
        summary.passwords += part.sort()?;
        show(summary.lines, share(0.6 + number as f64 / count as f64 * 0.2));
    }
    let new = beside(".new".to_owned());
    let mut blocks = summary.passwords / KEYS_PER_BLOCK + 1;
    loop {
        let progress = |done: f64| show(summary.lines, share(0.8 + done * 0.2));
        match write_blocks(&mut parts, &new, blocks, progress) {
            Ok(true) => break,
            // A block has more keys than it can take: all get a little fewer.
            Ok(false) => blocks += blocks / 32 + 1,
            Err(error) => {
                drop(std::fs::remove_file(&new));
                return Err(error);
            }
        }
    }
    std::fs::rename(&new, out).map_err(|error| failed(out, &error))?;
    summary.size = (blocks + 1) * HEAD;
    Ok(summary)
}

fn failed(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// What is replaced must be a filter: whoever forgets `OUT` names a list there.
fn check_place(out: &Path) -> Result<(), String> {
    let mut file = match File::open(out) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(out, &error)),
    };
    let mut magic = [0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == *MAGIC => Ok(()),
        _ => Err(format!("{}: exists and is not a filter, so it is not replaced", out.display())),
    }
}

/// The size of all lists together; None if one is not a file, but a pipe for instance.
fn sizes(lists: &[PathBuf]) -> Result<Option<u64>, String> {
    let mut total = 0;
    for list in lists {
        let data = std::fs::metadata(list).map_err(|error| failed(list, &error))?;
        if !data.is_file() {
            return Ok(None);
        }
        total += data.len();
    }
    Ok(Some(total))
}

/// What is wrong with a list that begins with this line, if it is one that is often taken by mistake.
fn mistaken(first: &[u8]) -> Option<&'static str> {
    const COMPRESSED: [&[u8]; 4] = [b"\x1f\x8b", b"7z\xbc\xaf", b"PK\x03\x04", b"\x28\xb5\x2f\xfd"];
    if COMPRESSED.iter().any(|magic| first.starts_with(magic)) {
        return Some("compressed: unpack it first");
    }
    let line = first.trim_ascii_end();
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (digest, count) = line.split_at_checked(colon)?;
    let is_counted = count.len() > 1 && count.iter().skip(1).all(u8::is_ascii_digit);
    let is_digest = (32..=128).contains(&digest.len()) && digest.iter().all(u8::is_ascii_hexdigit);
    (is_counted && is_digest && digest.len() != 40).then_some("not digests of SHA-1, but of another kind")
}

/// The longest line that counts as a password: passwords have 10,000 characters at most.
const LONGEST_LINE: u64 = 64 * 1024;

fn read_list(list: &Path, mut add: impl FnMut(&[u8]) -> Result<(), String>) -> Result<(), String> {
    let file = File::open(list).map_err(|error| failed(list, &error))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut line = Vec::new();
    let mut is_first = true;
    loop {
        line.clear();
        let count = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        if count.map_err(|error| failed(list, &error))? == 0 {
            return Ok(());
        }
        if std::mem::take(&mut is_first)
            && let Some(problem) = mistaken(&line)
        {
            return Err(format!("{}: {problem}", list.display()));
        }
        add(line.strip_suffix(b"\n").unwrap_or(&line))?;
    }
}

/// Keys by their first bits. The files are deleted when it is dropped.
struct Parts {
    files: Vec<Part>,
}

struct Part {
    path: PathBuf,
    writer: BufWriter<File>,
    /// The key that was added last: lists repeat themselves in a row.
    last: Option<u64>,
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

impl Parts {
    fn add(&mut self, key: u64) -> Result<(), String> {
        let number = usize::try_from(filter::block_of(key, self.files.len() as u64)).unwrap_or(0);
        let Some(part) = self.files.get_mut(number) else { return Ok(()) };
        if part.last.replace(key) == Some(key) {
            return Ok(());
        }
        part.writer.write_all(&key.to_le_bytes()).map_err(|error| failed(&part.path, &error))
    }
}

impl Part {
    fn create(path: PathBuf) -> Result<Self, String> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        let file = options.open(&path).map_err(|error| failed(&path, &error))?;
        // Where the system allows it, a build that is killed leaves nothing behind.
        drop(std::fs::remove_file(&path));
        Ok(Self { path, writer: BufWriter::with_capacity(64 * 1024, file), last: None })
    }

    /// Puts the keys in order, each once; how many there are.
    fn sort(&mut self) -> Result<u64, String> {
        let mut keys = self.keys()?;
        keys.sort_unstable();
        keys.dedup();
        let told = |error: io::Error| failed(&self.path, &error);
        let file = self.writer.get_mut();
        file.set_len(0).map_err(told)?;
        self.writer.seek(SeekFrom::Start(0)).map_err(|error| failed(&self.path, &error))?;
        for key in &keys {
            let written = self.writer.write_all(&key.to_le_bytes());
            written.map_err(|error| failed(&self.path, &error))?;
        }
        Ok(keys.len() as u64)
    }

    fn keys(&mut self) -> Result<Vec<u64>, String> {
        let read = |part: &mut Self| {
            part.writer.flush()?;
            let file = part.writer.get_mut();
            file.seek(SeekFrom::Start(0))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read(self).map_err(|error: io::Error| failed(&self.path, &error))?;
        let key = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).map(u64::from_le_bytes);
        bytes.chunks_exact(8).map(key).collect::<Result<_, _>>().map_err(|error| error.to_string())
    }
}

/// Writes all blocks; false if one has too many keys.
fn write_blocks(
    parts: &mut Parts,
    path: &Path,
    blocks: u64,
    mut show: impl FnMut(f64),
) -> Result<bool, String> {
    let told = |error: io::Error| failed(path, &error);
    let mut writer = BufWriter::with_capacity(1 << 20, File::create(path).map_err(told)?);
    let mut head = [0; BLOCK];
    head.iter_mut().zip(MAGIC.iter().chain(&blocks.to_be_bytes())).for_each(|(to, from)| *to = *from);
    writer.write_all(&head).map_err(told)?;
    let (mut written, mut waiting) = (0, Vec::new());
    let count = parts.files.len();
    for (number, part) in parts.files.iter_mut().enumerate() {
        for key in part.keys()? {
            let block = filter::block_of(key, blocks);
            while written < block {
                let Some(built) = filter::build(&waiting) else { return Ok(false) };
                writer.write_all(built.as_slice()).map_err(told)?;
                waiting.clear();
                written += 1;
            }
            waiting.push(key);
        }
        show(number as f64 / count as f64);
    }
    while written < blocks {
        let Some(built) = filter::build(&waiting) else { return Ok(false) };
        writer.write_all(built.as_slice()).map_err(told)?;
        waiting.clear();
        written += 1;
    }
    let file = writer.into_inner().map_err(|error| failed(path, error.error()))?;
    file.sync_all().map_err(told)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(lists: &[&str]) -> (tempfile::TempDir, PathBuf, FilterSummary) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: String| folder.path().join(name);
        let mut paths = Vec::new();
        for (number, list) in lists.iter().enumerate() {
            paths.push(path(format!("list{number}")));
            std::fs::write(&paths[number], list).unwrap();
        }
        let out = path("filter".to_owned());
        let summary = build_breached_filter(&paths, &out, |_, _| ()).unwrap();
        (folder, out, summary)
    }

    #[test]
    fn it_has_what_is_in_its_lists_and_leaves_nothing_else_behind() {
        let many: String = (0..10_000).map(|number| format!("password {number}\n")).collect();
        let digest = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\n\r\n";
        let (folder, out, summary) = built(&[&many, digest, "password\nletmein"]);
        assert_eq!((summary.lines, summary.passwords), (10_003, 10_002));
        let filter = BreachedFilter::open(&out).unwrap();
        assert_eq!(out.metadata().unwrap().len(), summary.size);
        for password in ["password", "letmein", "password 0", "password 9999"] {
            assert!(filter.has(password.as_bytes()).unwrap(), "{password}");
        }
        let others = (0..100_000).filter(|number| filter.has(format!("other {number}").as_bytes()).unwrap());
        assert!(others.count() < 10);
        let names: Vec<_> =
            folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 4, "{names:?}");
    }

    #[test]
    fn an_empty_list_is_a_filter_of_nothing() {
        let (_folder, out, summary) = built(&[""]);
        assert_eq!(summary.passwords, 0);
        assert!(!BreachedFilter::open(&out).unwrap().has(b"password").unwrap());
    }

    #[test]
    fn another_file_and_half_a_filter_are_refused() {
        let (folder, out, _) = built(&["password"]);
        let bytes = std::fs::read(&out).unwrap();
        for wrong in [&b""[..], b"password\n", &bytes[..bytes.len() - 1], &bytes[1..]] {
            let path = folder.path().join("wrong");
            std::fs::write(&path, wrong).unwrap();
            let error = BreachedFilter::open(&path).unwrap_err();
            assert!(error.contains("make it with zato-sso build-breached-filter"), "{error}");
        }
        let error = BreachedFilter::open(&folder.path().join("none")).unwrap_err();
        assert!(error.starts_with("password.breached_filter: "), "{error}");
    }

    #[test]
    fn lists_that_are_taken_by_mistake_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (list, out) = (folder.path().join("list"), folder.path().join("out"));
        let ntlm = b"32ED87BDB5FDC5E9CBA88547376818D4:24230577\r\n";
        let suffix = b"0018A45C4D1DEF81644B54AB7F969B88D65:1\n";
        for (content, problem) in [
            (&ntlm[..], "SHA-1"),
            (&suffix[..], "SHA-1"),
            (&b"\x1f\x8b\x08\x00"[..], "compressed"),
            (&b"PK\x03\x04"[..], "compressed"),
        ] {
            std::fs::write(&list, content).unwrap();
            let error = build_breached_filter(std::slice::from_ref(&list), &out, |_, _| ()).unwrap_err();
            assert!(error.contains(problem) && error.contains("list"), "{error}");
            assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        }
        // Such a line may be a password where lists have no counts.
        assert_eq!(mistaken(b"32ED87BDB5FDC5E9CBA88547376818D4\n"), None);
        assert_eq!(mistaken(b"me:12345\n"), None);
    }

    #[test]
    fn only_a_filter_is_replaced() {
        let (folder, out, _) = built(&["password"]);
        let list = folder.path().join("list0");
        let lists = [list.clone()];
        let error = build_breached_filter(&lists, &list, |_, _| ()).unwrap_err();
        assert!(error.contains("not a filter"), "{error}");
        assert_eq!(std::fs::read(&list).unwrap(), b"password");
        std::fs::write(&list, "letmein").unwrap();
        build_breached_filter(&lists, &out, |_, _| ()).unwrap();
        let filter = BreachedFilter::open(&out).unwrap();
        assert!(filter.has(b"letmein").unwrap() && !filter.has(b"password").unwrap());
    }

    #[test]
    #[cfg(unix)]
    fn a_list_that_comes_through_a_pipe_takes_many_parts() {
        use std::os::fd::AsRawFd as _;
        let folder = tempfile::tempdir().unwrap();
        let (reader, mut writer) = std::io::pipe().unwrap();
        let text: String = (0..3_000).map(|number| format!("password {number}\n")).collect();
        let sender = std::thread::spawn(move || writer.write_all(text.as_bytes()).unwrap());
        let list = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));
        let out = folder.path().join("out");
        let mut shares = Vec::new();
        let summary = build_breached_filter(&[list], &out, |_, share| shares.push(share)).unwrap();
        sender.join().unwrap();
        assert_eq!((summary.lines, summary.passwords), (3_000, 3_000));
        assert!(shares.len() > 200 && shares.iter().all(Option::is_none));
        let filter = BreachedFilter::open(&out).unwrap();
        assert!((0..3_000).all(|number| filter.has(format!("password {number}").as_bytes()).unwrap()));
    }

    #[test]
    fn a_list_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let error = build_breached_filter(&[missing], &folder.path().join("out"), |_, _| ()).unwrap_err();
        assert!(error.contains("missing"), "{error}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}

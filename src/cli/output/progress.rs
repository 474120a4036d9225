//! A line on a terminal that tells how far something has come, how fast, and for how long still.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

/// How often it is drawn anew, at most.
const PAUSE: Duration = Duration::from_millis(100);

/// Where the standard error stream is no terminal, nothing is drawn.
pub(in crate::cli) struct Progress {
    begun: Instant,
    drawn: Option<Instant>,
    is_terminal: bool,
    what: &'static str,
}

impl Progress {
    /// What is counted.
    pub fn begin(what: &'static str) -> Self {
        Self { begun: Instant::now(), drawn: None, is_terminal: stderr().is_terminal(), what }
    }

    /// So many things have been done, which is this share of all, where all is known.
    pub fn show(&mut self, count: u64, share: Option<f64>) {
        if !self.is_terminal || self.drawn.is_some_and(|drawn| drawn.elapsed() < PAUSE) {
            return;
        }
        self.drawn = Some(Instant::now());
        // Printing may fail: it is only a hint.
        drop(write!(stderr(), "\r\x1b[K{}", line(count, self.what, share, self.begun.elapsed())));
    }

    /// Makes room for another line.
    pub fn clear(&mut self) {
        if self.drawn.take().is_some() {
            drop(write!(stderr(), "\r\x1b[K"));
        }
    }
}

fn line(count: u64, what: &str, share: Option<f64>, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let rate = if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
    let Some(share) = share.map(|share| share.clamp(0.0, 1.0)) else {
        return format!("{count} {what}, {rate:.0}/s");
    };
    const WIDTH: usize = 24;
    let filled = (share * WIDTH as f64) as usize;
    let bar = format!("{}{}", "#".repeat(filled), "-".repeat(WIDTH - filled));
    let left = if share > 0.0 { seconds / share - seconds } else { 0.0 };
    let (minutes, seconds) = (left as u64 / 60, left as u64 % 60);
    format!("[{bar}] {:3.0}% {count} {what}, {rate:.0}/s, {minutes}:{seconds:02} left", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_the_share_the_rate_and_what_is_left() {
        let half = line(5_000, "users", Some(0.5), Duration::from_secs(100));
        assert_eq!(half, "[############------------]  50% 5000 users, 50/s, 1:40 left");
        assert_eq!(line(7, "users", None, Duration::from_secs(7)), "7 users, 1/s");
        assert!(line(0, "users", Some(0.0), Duration::ZERO).contains("  0% 0 users"));
        assert!(line(1, "users", Some(7.0), Duration::from_secs(1)).contains("100%"));
    }
}

//! Mutations of inputs, the same for the same seed.

/// Bytes at which something ends or overflows.
const EDGES: [u8; 12] = [0, 1, 0x1f, 0x20, 0x3b, 0x5b, 0x7f, 0x80, 0x9f, 0xbf, 0xfe, 0xff];

/// What many parsers stumble over.
const STUMBLES: [&str; 14] = [
    "\0",
    "\u{feff}",
    "\r\n",
    "\u{2028}",
    "%00",
    "\\ud800",
    "{\"",
    "\"}",
    "[[[[",
    "-1",
    "9223372036854775808",
    "1e999",
    "é",
    "🦀",
];

/// The longest input.
const LONGEST: usize = 1 << 17;

pub struct Mutator {
    state: u64,
    words: Vec<Vec<u8>>,
}

impl Mutator {
    pub fn new(seed: u64, words: &[&str]) -> Self {
        let words = words.iter().chain(&STUMBLES).map(|word| word.as_bytes().to_vec()).collect();
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1), words }
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { usize::try_from(self.random() % limit as u64).unwrap() }
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length);
        let rest = length - start;
        // Mostly short.
        let most = if self.below(4) == 0 { rest } else { rest.min(16) };
        start..start + self.below(most + 1)
    }

    fn word(&mut self) -> Vec<u8> {
        let at = self.below(self.words.len());
        self.words[at].clone()
    }

    /// One of these, changed in one to five ways.
    pub fn next(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let at = self.below(inputs.len());
        let mut input = inputs[at].clone();
        for _ in 0..=self.below(5) {
            self.change(&mut input, inputs);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, inputs: &[Vec<u8>]) {
        let place = self.below(input.len() + 1);
        match self.below(12) {
            0 if place < input.len() => input[place] ^= 1 << self.below(8),
            1 if place < input.len() => input[place] = EDGES[self.below(EDGES.len())],
            2 if place < input.len() => input[place] = input[place].wrapping_add(1),
            3 => drop(input.drain(self.range(input.len()))),
            4 => input.truncate(place),
            5 => {
                let again = input[self.range(input.len())].to_vec();
                input.splice(place..place, again);
            }
            // Deep, or long.
            6 if self.below(16) == 0 => {
                let again = input[self.range(input.len())].to_vec();
                let times = if again.is_empty() { 0 } else { 1 << self.below(14) };
                input.splice(place..place, again.repeat(times).into_iter().take(LONGEST));
            }
            7 | 8 => {
                let word = self.word();
                input.splice(place..place, word);
            }
            // In place of as many bytes: lengths stay right.
            9 => {
                let word = self.word();
                let end = (place + word.len()).min(input.len());
                input.splice(place..end, word);
            }
            10 => {
                let other = &inputs[self.below(inputs.len())];
                let part = other[self.range(other.len())].to_vec();
                input.splice(place..place, part);
            }
            _ => input.insert(place, EDGES[self.below(EDGES.len())]),
        }
    }
}

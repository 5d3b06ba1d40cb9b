//! What happened, as a hash: two runs of a seed are equal if their hashes are.

use std::fmt::{self, Write};

use crate::executor::Micros;

/// FNV-1a, which is the same on every machine and in every version of Rust.
pub(crate) struct Trace {
    hash: u64,
    prints: bool,
}

impl Trace {
    pub(crate) fn new(prints: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, prints }
    }

    pub(crate) fn note(&mut self, at: Micros, what: fmt::Arguments<'_>) {
        // Writing to a hash does not fail.
        let _ = writeln!(self, "{at} {what}");
        if self.prints {
            println!("{:>14.6} {what}", at as f64 / 1e6);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

impl Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

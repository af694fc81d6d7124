//! How far long work has come: one line on a terminal, nothing elsewhere.

use std::io::{IsTerminal, Write, stderr};

/// Counts towards a total and tells of it now and then.
pub struct Progress {
    label: &'static str,
    total: u64,
    done: u64,
    told: u64,
    shown: bool,
}

impl Progress {
    /// `total` in whatever is counted: bytes, lines.
    pub fn new(label: &'static str, total: u64) -> Self {
        Self { label, total, done: 0, told: 0, shown: stderr().is_terminal() }
    }

    pub fn add(&mut self, more: u64) {
        self.done += more;
        let percent = self.done.saturating_mul(100) / self.total.max(1);
        if self.shown && percent != self.told {
            self.told = percent;
            tell(&format!("{} {percent} %", self.label));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown && self.told > 0 {
            tell("");
        }
    }
}

fn tell(text: &str) {
    // Whoever does not read it misses nothing.
    stderr().write_all(format!("\r\x1b[K{text}").as_bytes()).ok();
}

//! Progress of a long task: one line on a terminal, nothing elsewhere.

use std::io::{IsTerminal, Write, stderr};

/// Counts towards a total and prints the progress now and then.
pub struct Progress {
    label: &'static str,
    total: u64,
    done: u64,
    printed: u64,
    shown: bool,
}

impl Progress {
    /// `total` is in any unit, such as bytes or lines.
    pub fn new(label: &'static str, total: u64) -> Self {
        Self { label, total, done: 0, printed: 0, shown: stderr().is_terminal() }
    }

    pub fn add(&mut self, more: u64) {
        self.done += more;
        let percent = self.done.saturating_mul(100) / self.total.max(1);
        if self.shown && percent != self.printed {
            self.printed = percent;
            print(&format!("{} {percent} %", self.label));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown && self.printed > 0 {
            print("");
        }
    }
}

fn print(text: &str) {
    // A failure to print progress is harmless.
    stderr().write_all(format!("\r\x1b[K{text}").as_bytes()).ok();
}

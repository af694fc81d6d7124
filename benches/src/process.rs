//! Processor time and memory of processes, from `/proc`.

use std::fs;
use std::ops::Sub;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// A tick of `/proc/PID/stat`. Linux always reports these times in hundredths of a second.
const TICK_NS: u64 = 10_000_000;

/// The processes of one server.
#[derive(Clone, Debug, Default)]
pub struct Server(Vec<u32>);

/// Processor time in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Exact, of all living threads.
    pub total: u64,
    pub user: u64,
    pub system: u64,
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            total: self.total.saturating_sub(earlier.total),
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}

impl Usage {
    /// The share of user time. Ticks are coarse, so only their ratio is used.
    fn user_share(self) -> f64 {
        self.user as f64 / (self.user + self.system).max(1) as f64
    }

    /// Microseconds per item, for `count` items.
    pub fn per(self, count: u64) -> Value {
        let each = self.total as f64 / count.max(1) as f64 / 1e3;
        json!({
            "us": each,
            "user_us": each * self.user_share(),
            "system_us": each * (1.0 - self.user_share()),
        })
    }

    pub fn seconds(self) -> f64 {
        self.total as f64 / 1e9
    }
}

impl Server {
    pub fn new(pids: Vec<u32>) -> Self {
        Self(pids)
    }

    pub fn usage(&self) -> Result<Usage> {
        let mut sum = Usage::default();
        for pid in &self.0 {
            sum.total += run_time(*pid)?;
            let (user, system) = ticks(*pid)?;
            sum.user += user * TICK_NS;
            sum.system += system * TICK_NS;
        }
        Ok(sum)
    }

    /// Resident memory in KiB: RSS, and PSS, which divides shared pages among the processes that share them.
    pub fn memory(&self) -> Result<(u64, u64)> {
        let (mut resident, mut proportional) = (0, 0);
        for pid in &self.0 {
            let path = format!("/proc/{pid}/smaps_rollup");
            let text = fs::read_to_string(&path).with_context(|| path.clone())?;
            resident += field(&text, "Rss:").unwrap_or(0);
            proportional += field(&text, "Pss:").unwrap_or(0);
        }
        Ok((resident, proportional))
    }

    pub fn memory_report(&self) -> Result<Value> {
        let (resident, proportional) = self.memory()?;
        Ok(json!({ "rss_kib": resident, "pss_kib": proportional }))
    }
}

/// The number after a name at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The run time of all threads in nanoseconds.
fn run_time(pid: u32) -> Result<u64> {
    let folder = format!("/proc/{pid}/task");
    let mut sum = 0;
    for task in fs::read_dir(&folder).with_context(|| folder.clone())? {
        // A thread may end after the folder was listed.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        sum += text.split_whitespace().next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(sum)
}

/// User and system time in ticks.
fn ticks(pid: u32) -> Result<(u64, u64)> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    // The process name, in brackets, may contain spaces. The state follows it.
    let (_, rest) = text.rsplit_once(')').context("a process has a name")?;
    let mut fields = rest.split_whitespace().skip(11).map(|number| number.parse().unwrap_or(0));
    Ok((fields.next().unwrap_or(0), fields.next().unwrap_or(0)))
}

/// Memory of all TCP sockets of this machine in the kernel, in KiB (`/proc/net/sockstat`).
pub fn kernel_tcp_kib() -> u64 {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    let mut words = line.split_whitespace().skip_while(|word| *word != "mem").skip(1);
    let pages: u64 = words.next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * (rustix::param::page_size() as u64 / 1024)
}

/// Raises the limit of open files to its maximum.
pub fn raise_file_limit() -> Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_process_has_run_time_and_memory() {
        let server = Server::new(vec![std::process::id()]);
        let before = server.usage().expect("usage");
        let mut sum = 0_u64;
        while (server.usage().expect("usage") - before).total < 20_000_000 {
            sum = sum.wrapping_mul(31).wrapping_add(7);
        }
        assert!((server.usage().expect("usage") - before).seconds() >= 0.02, "{sum}");
        let (resident, proportional) = server.memory().expect("memory");
        assert!(proportional > 0 && resident >= proportional);
    }

    #[test]
    fn field_is_the_number_after_its_name() {
        assert_eq!(field("Rss:      1234 kB\nPss:  7 kB\n", "Pss:"), Some(7));
        assert_eq!(field("Rss: 1 kB\n", "Pss:"), None);
    }
}

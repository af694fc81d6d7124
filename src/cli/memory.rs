//! Makes glibc return freed memory to the operating system.
//!
//! glibc allocates large blocks with `mmap` and returns them when they are freed. But when the
//! first such block is freed, it raises the `mmap` threshold, and from then on keeps blocks of that
//! size in per-thread arenas. A password hash needs 19 MiB for a moment, so 20 registrations left
//! 330 MiB behind. An explicit threshold disables this adjustment (`mallopt(3)`,
//! `M_MMAP_THRESHOLD`).

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

const SETTING: &str = "MALLOC_MMAP_THRESHOLD_";
/// The threshold in bytes: larger blocks are returned when freed.
const LARGE: &str = "1048576";

/// Sets the threshold. glibc only reads it at program start, so this function replaces the process
/// with a new instance of the same program, unless the variable is already set. If that fails, the
/// program continues and uses more memory.
pub(super) fn tune_allocator() {
    if !cfg!(target_env = "gnu") || env::var_os(SETTING).is_some() {
        return;
    }
    let mut arguments = env::args_os();
    if let (Ok(program), Some(name)) = (env::current_exe(), arguments.next()) {
        let mut again = Command::new(program);
        again.arg0(name).args(arguments).env(SETTING, LARGE);
        // `exec` only returns if it failed.
        drop(again.exec());
    }
}

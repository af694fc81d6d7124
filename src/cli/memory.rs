//! How the C library's allocator gives back memory.
//!
//! The one of glibc gets large blocks from the system and gives them back when they are freed, until the
//! first is freed: from then on it keeps blocks of that size for later, for each thread apart. A hash of a
//! password takes 19 MiB for a moment, so 20 sign-ups left 330 MiB behind. With a threshold that is
//! set it stays as it is (`mallopt(3)`, `M_MMAP_THRESHOLD`).

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

const SETTING: &str = "MALLOC_MMAP_THRESHOLD_";
/// Blocks from this size on are given back, in bytes.
const LARGE: &str = "1048576";

/// Sets the threshold. It is read as a program starts, so this starts the same one in the place of this
/// process, unless the setting is there already. Where that fails the program goes on, and keeps more.
pub(super) fn tune_allocator() {
    if !cfg!(target_env = "gnu") || env::var_os(SETTING).is_some() {
        return;
    }
    let mut arguments = env::args_os();
    if let (Ok(program), Some(name)) = (env::current_exe(), arguments.next()) {
        let mut again = Command::new(program);
        again.arg0(name).args(arguments).env(SETTING, LARGE);
        // It returns only if it failed.
        drop(again.exec());
    }
}

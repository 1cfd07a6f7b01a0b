//! Keeps the memory of this process to itself: secrets pass through it.

/// What core files were allowed to be when the process began.
#[cfg(unix)]
static CORE: std::sync::OnceLock<Option<u64>> = std::sync::OnceLock::new();

/// Gives the limit on core files back, for a program that takes this process's place. Nothing else has to be: the rest ends
/// with the program that it was asked for.
#[cfg(unix)]
pub fn give_core_files_back() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    if let Some(current) = CORE.get() {
        let _ = setrlimit(Resource::Core, Rlimit { current: *current, ..getrlimit(Resource::Core) });
    }
}

/// Switches core dumps off, and on Linux the ways of other programs of the same user into this process's memory,
/// environment and open files (`/proc/PID/mem`, `environ`, `fd`; debuggers). Root still can. Must come before any
/// credential is read.
///
/// A system that refuses leaves things as they were: a build host's sandbox must not make keycomb useless.
#[cfg(unix)]
pub fn keep_memory_private() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    // The hard limit stays: what `secrets exec` starts gets its own back.
    let before = getrlimit(Resource::Core);
    let _ = CORE.set(before.current);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..before });
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Elsewhere there is nothing of the kind to switch off.
#[cfg(not(unix))]
pub fn keep_memory_private() {}

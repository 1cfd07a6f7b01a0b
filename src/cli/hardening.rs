//! Keeps the memory of this process to itself: secrets pass through it.

/// Switches core dumps off, and on Linux the ways of other programs of the same user into this process's memory,
/// environment and open files (`/proc/PID/mem`, `environ`, `fd`; debuggers). Root still can. Must come before any
/// credential is read.
///
/// A system that refuses leaves things as they were: a build host's sandbox must not make keycomb useless.
#[cfg(unix)]
pub fn keep_memory_private() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    // The hard limit stays: what `secrets exec` starts may want its own back.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..getrlimit(Resource::Core) });
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Elsewhere there is nothing of the kind to switch off.
#[cfg(not(unix))]
pub fn keep_memory_private() {}

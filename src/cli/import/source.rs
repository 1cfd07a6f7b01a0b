//! Reads the state, without leaving copies of it behind.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::private_file;
use crate::model::visible;
use crate::terraform::{self, MAX_BYTES, State};

/// What a buffer has room for at first, in bytes.
const FIRST: usize = 1 << 20;

/// Reads a file, or stdin for `-`. Says when others can read the file: it holds secrets in clear.
///
/// # Errors
/// One that cannot be read (1), or is no state (3).
pub(super) fn read(path: &Path, output: &Output) -> Result<State, Failure> {
    let unreadable = |source: io::Error| {
        Failure::io(
            format!("cannot read the state `{}`", visible(&path.display().to_string())),
            "name a `terraform.tfstate`, or what `terraform show -json` printed; `-` is stdin",
            source,
        )
    };
    let bytes = if path == Path::new("-") {
        all(io::stdin().lock()).map_err(unreadable)?
    } else {
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if let Some(mend) = private_file::mend(&metadata, path) {
            let name = visible(&path.display().to_string()).into_owned();
            output.say(&format!(
                "note: others on this machine can read `{name}`, and a state holds secrets in clear: {}",
                visible(&mend)
            ));
        }
        all(file).map_err(unreadable)?
    };
    terraform::read(&bytes).map_err(|error| Failure::new(Exit::Config, error))
}

/// To the end, or to one byte more than is allowed. A buffer that grows would leave what it held behind: each is wiped.
fn all(mut from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut held = Zeroizing::new(Vec::with_capacity(FIRST));
    loop {
        let room = held.capacity() - held.len();
        let read = (&mut from).take(room as u64).read_to_end(&mut held)?;
        if read < room || held.len() > MAX_BYTES {
            return Ok(held);
        }
        let mut larger =
            Zeroizing::new(Vec::with_capacity((2 * held.capacity()).min(MAX_BYTES + 1).max(held.len() + 1)));
        larger.extend_from_slice(&held);
        held = larger;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_is_read_whole_but_no_more_than_is_allowed() {
        for length in [0, 1, FIRST - 1, FIRST, FIRST + 1, 5 * FIRST] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            assert_eq!(*all(bytes.as_slice()).unwrap(), bytes, "{length}");
        }
        let endless = io::repeat(b' ');
        assert!((MAX_BYTES + 1..=2 * MAX_BYTES + 2).contains(&all(endless).unwrap().len()));
    }
}

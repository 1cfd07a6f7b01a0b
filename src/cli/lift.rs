//! What the person lifts by naming it.

use std::collections::BTreeSet;

use super::args::{Allowed, Lift};
use super::exit::Exit;
use super::failure::Failure;
use crate::config;
use crate::model::{Address, Desired, Sealed};
use crate::plan::{Allow, addresses};

/// As the planner takes it.
pub(super) fn allow(lift: &Lift) -> Allow {
    let mut allow = Allow::default();
    for allowed in &lift.allow {
        match allowed {
            Allowed::Delete(number) => allow.delete = Some(*number),
            Allowed::Disable(number) => allow.disable = Some(*number),
            Allowed::Replace(number) => allow.replace = Some(*number),
            Allowed::Address(address) => {
                allow.addresses.insert(address.clone());
            }
        }
    }
    allow
}

/// Refuses `--allow` of an address that nothing has: what was meant would be held all the same, or somebody would come to
/// think that it is lifted.
///
/// # Errors
/// The first of them (64).
pub(super) fn refuse_nobodys(lift: &Lift, desired: &Desired, sealed: Option<&Sealed>) -> Result<(), Failure> {
    let known = known(desired, sealed);
    let nobodys = lift.allow.iter().find_map(|allowed| match allowed {
        Allowed::Address(address) => (!known.contains(address)).then_some(address),
        Allowed::Delete(_) | Allowed::Disable(_) | Allowed::Replace(_) => None,
    });
    if let Some(address) = nobodys {
        let all: Vec<String> = known.iter().map(ToString::to_string).collect();
        let help = config::closest(&address.to_string(), all.iter().map(String::as_str)).map_or_else(
            || "`keycomb status` shows the addresses of all keys; nothing was written".to_owned(),
            |near| format!("did you mean `{near}`? Nothing was written"),
        );
        let message = format!("`--allow {address}`: nothing is declared or recorded at this address");
        return Err(Failure::words(Exit::Usage, message, help));
    }
    Ok(())
}

/// Every address that something can be held at.
fn known(desired: &Desired, sealed: Option<&Sealed>) -> BTreeSet<Address> {
    let begun = sealed.into_iter().flat_map(|sealed| &sealed.intents).map(|intent| intent.address.clone());
    addresses(desired, sealed).into_iter().chain(begun).collect()
}

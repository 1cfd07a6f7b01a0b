//! `keycomb rotate`: named keys get a new secret now, due or not.

use std::collections::BTreeSet;

use super::args::{Global, Keys, Rotate as Args};
use super::carry::{Order, carry_out};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::known::Known;
use super::output::Output;
use crate::apply::Home;
use crate::config;
use crate::model::{Address, Desired, Pattern, counted};
use crate::plan::Ask;

/// Shows the plan for the named keys alone, asks, and carries it out.
///
/// # Errors
/// An address that no file declares (3); those of [`carry_out`].
pub async fn run(
    args: &Args,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let order = Order {
        verb: "rotate",
        look: "status",
        service: &args.service,
        lift: &args.lift,
        format: args.format,
        emit: &[],
        yes: args.yes,
        home: if args.stage { Home::Staged } else { Home::Disk },
    };
    let ask = |desired: &Desired, _: &Known<'_>| {
        let addresses = meant(&args.keys, desired, output)?;
        Ok(Ask { rotate: addresses.clone(), only: Some(addresses), ..Ask::default() })
    };
    carry_out(&order, ask, global, output, interrupt).await
}

/// The declared keys that are named. What a glob means is said: a person asked for more than can be read off it.
///
/// # Errors
/// What means no declared key (3).
fn meant(keys: &[Keys], desired: &Desired, output: &Output) -> Result<BTreeSet<Address>, Failure> {
    let mut all = BTreeSet::new();
    for keys in keys {
        match keys {
            Keys::One(address) if desired.keys.contains_key(address) => {
                all.insert(address.clone());
            }
            Keys::One(address) => return Err(undeclared(address, desired)),
            Keys::Like(pattern) => {
                let found: BTreeSet<&Address> =
                    desired.keys.keys().filter(|address| pattern.matches(address)).collect();
                if found.is_empty() {
                    return Err(nothing_like(pattern, desired));
                }
                let names: Vec<String> = found.iter().map(ToString::to_string).collect();
                output.say(&format!("`{pattern}` is {}: {}", counted(found.len(), "key"), names.join(", ")));
                all.extend(found.into_iter().cloned());
            }
        }
    }
    Ok(all)
}

fn undeclared(address: &Address, desired: &Desired) -> Failure {
    let message = format!("no file declares `{address}`");
    if !address.is_key() {
        let help =
            format!("environments have no secret; for all keys of it: `key.{}.*`", address.environment());
        return Failure::words(Exit::Config, message, help);
    }
    let help = near(&address.to_string(), desired).unwrap_or_else(|| {
        "`keycomb status` shows the addresses of all keys; what is not declared is retired, not rotated"
            .to_owned()
    });
    Failure::words(Exit::Config, message, help)
}

fn nothing_like(pattern: &Pattern, desired: &Desired) -> Failure {
    let message = format!("no declared key is like `{pattern}`");
    let near = near(pattern.as_str(), desired).or_else(|| {
        let all: Vec<String> = desired.keys.keys().take(5).map(|address| format!("`{address}`")).collect();
        (!all.is_empty()).then(|| format!("declared are {} …", all.join(", ")))
    });
    let help = near.unwrap_or_else(|| "no key is declared".to_owned());
    Failure::words(Exit::Config, message, help)
}

/// The declared key, or all of a declared environment, that may have been meant.
fn near(wanted: &str, desired: &Desired) -> Option<String> {
    let keys = desired.keys.keys().map(ToString::to_string);
    let environments = desired.environments.keys().map(|label| format!("key.{label}.*"));
    let all: Vec<String> = keys.chain(environments).collect();
    let near = config::closest(wanted, all.iter().map(String::as_str))?;
    Some(format!("did you mean `{near}`?"))
}

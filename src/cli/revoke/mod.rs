//! `keycomb revoke`: a key that is not to be trusted any more is deleted at once, and then gets its successor.
//!
//! Whatever only the successor needs (a writable record, recipients) does not hold the deletion up.

mod brief;
mod leaked;
mod shape;
mod unkept;

use super::args::{Global, Lift, Revoke as Args};
use super::carry::{self, Order};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::known::Known;
use super::output::Output;
use super::session::{Session, check_scopes, from_seal};
use super::surroundings::fresh_lineage;
use super::undo;
use crate::apply::Home;
use crate::config;
use crate::model::{self, Address, Revocation, Scope, Sealed, SealedKey, visible};
use crate::plan::{self, Allow, Ask, Plan, Revoke, Step, Summary};
use crate::ports::KeepRecord;
use crate::report::{Became, Report};
use crate::seal::Keeper;

use leaked::Verdict;
use unkept::Unkept;

/// No reason is longer, in characters.
const LONGEST_REASON: usize = 200;

/// Revokes the key at an address.
///
/// # Errors
/// Whatever stops it before the first write; a successor that cannot be made (9), after the key is revoked.
pub async fn run(
    args: &Args,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let reason = reason(args.reason.as_deref())?;
    let how = if args.disable { Revocation::Disable } else { Revocation::Delete };
    if let Some(given) = &args.leaked {
        return run_leaked(given, how, reason, (args, global), output, interrupt).await;
    }
    let address = address(args.address.as_deref())?;
    if !args.yes && !output.interactive {
        return Err(nobody_to_ask());
    }
    let session = interrupt.or(Session::open(global, &args.service, *output)).await?;
    let revoke = Revoke { address, only: None, how, reason };
    let ended = revoke_with(&revoke, args, &session, output, interrupt).await;
    session.close().await;
    ended
}

/// Finds out whose a credential is, and revokes that.
async fn run_leaked(
    given: &str,
    how: Revocation,
    reason: String,
    (args, global): (&Args, &Global),
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    if args.identity.iter().any(|path| path.as_os_str() == "-") {
        let help = "give the identity as a file: the credential is what is on stdin";
        return Err(Failure::words(Exit::Usage, "stdin cannot hold the credential and an identity", help));
    }
    let credential = leaked::read(given, output)?;
    if let Some(exit) = leaked::by_shape(&credential, output) {
        return Ok(exit);
    }
    let session = interrupt.or(Session::open(global, &args.service, *output)).await?;
    let ended = async {
        let sealed = session.sealed()?;
        let identified = leaked::identify(&credential, args, &session, sealed.as_ref(), output);
        match interrupt.or(identified).await? {
            Verdict::Told(exit) => Ok(exit),
            Verdict::Managed(entry) => {
                let SealedKey { address, id, .. } = *entry;
                let revoke = Revoke { address, only: Some(id), how, reason };
                revoke_with(&revoke, args, &session, output, interrupt).await
            }
        }
    };
    let ended = ended.await;
    session.close().await;
    ended
}

fn nobody_to_ask() -> Failure {
    Failure::words(
        Exit::Usage,
        "nobody can be asked here: stdin and stderr are not a terminal",
        "run `keycomb revoke --yes`; what it would revoke shows `keycomb status`",
    )
}

/// Revokes under the lock and with the record written, as far as either can be had.
async fn revoke_with(
    revoke: &Revoke,
    args: &Args,
    session: &Session,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let (path, desired) = (&session.sealed_path, &session.desired);
    let opened =
        Keeper::open(path, &desired.team, &desired.endpoint, fresh_lineage(), &carry::holder("revoke"));
    match opened {
        Ok(mut keeper) => carry_out(revoke, args, session, &mut keeper, preflight, output, interrupt).await,
        Err(error) => {
            // Without a record nothing is known of the key; without a lock or a place to write to it still is.
            let Ok(Some(sealed)) = session.sealed() else { return Err(from_seal(error)) };
            let mut keeper = Unkept::new(sealed, path.display().to_string());
            let unkept = move |_: &mut Unkept, _: &Plan, _: &Session| Err(from_seal(error));
            carry_out(revoke, args, session, &mut keeper, unkept, output, interrupt).await
        }
    }
}

fn preflight(keeper: &mut Keeper, plan: &Plan, session: &Session) -> Result<(), Failure> {
    carry::refuse_unproven(keeper, plan, session)?;
    keeper.preflight(&carry::recipients(plan, &session.desired.seal)).map_err(from_seal)
}

/// Decides, shows, asks, revokes. `may_mint` says why the successor cannot be kept, if so: it is left out then.
async fn carry_out<K: KeepRecord>(
    revoke: &Revoke,
    args: &Args,
    session: &Session,
    keeper: &mut K,
    may_mint: impl FnOnce(&mut K, &Plan, &Session) -> Result<(), Failure>,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let (address, desired) = (&revoke.address, &session.desired);
    let mut plan = interrupt.or(decide(revoke, session, keeper.sealed())).await?;
    let order = order(args);
    carry::show(&order, &plan, output)?;
    if plan.actions.is_empty() {
        output.say(&format!("`{address}` is revoked already, and nothing is left to do"));
        return Ok(Exit::Done);
    }
    brief::before(&plan, desired, address, output);
    check_scopes(&session.access, &[Scope::KeysWrite])?;
    if !args.yes && !output.interactive {
        return Err(nobody_to_ask());
    }
    if !args.yes {
        interrupt.or(carry::confirm(&format!("Revoke {address}?"), output)).await?;
    }
    let unmade = may_mint(keeper, &plan, session).err();
    if unmade.is_some() {
        without_successor(&mut plan);
    }
    let began = model::Timestamp::now();
    let report = carry::perform(order.home, &plan, session, keeper, output, interrupt).await?;
    undo::keep(session, (order.verb, began), (&plan, &report), output);
    let exit = carry::tell(&order, &plan, &report, session, output, interrupt)?;
    brief::after(is_made(&plan, &report), desired, address, output);
    match unmade {
        Some(failure) => Err(unfinished(failure, &report, address, output)),
        None => Ok(exit),
    }
}

async fn decide(revoke: &Revoke, session: &Session, sealed: &Sealed) -> Result<Plan, Failure> {
    let known = sealed.keys.iter().map(|key| key.address.to_string());
    if !sealed.keys.iter().any(|key| key.address == revoke.address) {
        let known: Vec<String> = known.collect();
        let help = config::closest(&revoke.address.to_string(), known.iter().map(String::as_str))
            .map_or_else(
                || "`keycomb status` shows what is managed".to_owned(),
                |name| format!("did you mean `{name}`?"),
            );
        let message = format!("nothing is recorded at `{}`, so there is nothing to revoke", revoke.address);
        return Err(Failure::words(Exit::Config, message, help));
    }
    // Git's history is not searched: nothing here hangs on it, and it may take its time.
    let live = session.live(Some(sealed)).await?;
    let known = Known { sealed: Some(sealed), live, elsewhere: std::collections::BTreeMap::new() };
    let ask = Ask { revoke: Some(revoke.clone()), ..Ask::default() };
    Ok(plan::plan(&known.input(&session.desired, Allow::default(), ask)))
}

fn order(args: &Args) -> Order<'_> {
    const NOTHING: &Lift = &Lift { allow: Vec::new() };
    Order {
        verb: "revoke",
        look: "status",
        service: &args.service,
        lift: NOTHING,
        format: args.format,
        emit: &[],
        yes: args.yes,
        home: Home::Disk,
    }
}

/// Nothing is asked of the service whose answer could not be kept.
fn without_successor(plan: &mut Plan) {
    plan.actions.retain(|action| !matches!(action.step, Step::MintKey(_)));
    plan.summary = Summary { changes: plan.actions.len(), ..Summary::default() };
}

fn is_made(plan: &Plan, report: &Report) -> bool {
    let is_done = |became: &Became| matches!(became, Became::Done { .. });
    let mut pairs = plan.actions.iter().zip(&report.outcomes);
    pairs.any(|(action, outcome)| matches!(action.step, Step::MintKey(_)) && is_done(&outcome.became))
}

/// What is left, said with why. That the key is revoked, or is not, stands in the report above it.
fn unfinished(failure: Failure, report: &Report, address: &Address, output: &Output) -> Failure {
    let (done, ..) = report.counts();
    let what = if done == report.outcomes.len() { "is revoked, and" } else { "is not all revoked, and" };
    output.say(&format!(
        "`{address}` {what} has no successor yet. Once this is mended, `keycomb revoke {address}` again writes down what is not \
         yet, and makes the successor:"
    ));
    failure
}

/// Whose key. What cannot be an address is not repeated: somebody may have given the credential itself.
fn address(given: Option<&str>) -> Result<Address, Failure> {
    let refuse = || {
        Failure::words(
            Exit::Usage,
            "expected the address of a key, such as `key.production.checkout`",
            "`keycomb status` shows the addresses; a credential is never given as an argument: `keycomb revoke --leaked -` \
             reads it from stdin",
        )
    };
    let address: Address = given.unwrap_or_default().parse().map_err(|_| refuse())?;
    if address.is_key() { Ok(address) } else { Err(refuse()) }
}

/// Why. It stands in the sealed file, for everybody to read.
fn reason(given: Option<&str>) -> Result<String, Failure> {
    let reason = given.unwrap_or("its credential leaked").trim();
    let refuse = |message: &str, help: &str| Err(Failure::words(Exit::Usage, message, help));
    if config::mask(reason) != reason {
        let help = "the reason is kept in the sealed file, for everybody to read; if the secret was real, that is what to revoke";
        return refuse("the reason looks like it holds a secret", help);
    }
    let length = reason.chars().count();
    if length == 0 || length > LONGEST_REASON || visible(reason) != reason {
        return refuse("the reason must be one line of 1 to 200 printable characters", "say it shorter");
    }
    Ok(reason.to_owned())
}

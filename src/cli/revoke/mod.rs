//! `keycomb revoke`: a key that is not to be trusted any more is deleted at once, and then gets its successor.
//!
//! Whatever only the successor needs (a writable record, recipients, a whole configuration, a whole listing) does not hold the
//! deletion up.

mod brief;
mod decide;
mod ground;
mod leaked;
mod lost;
mod shape;
mod unkept;

use super::args::{Global, Lift, Revoke as Args};
use super::carry::{self, Order};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output::Output;
use super::session::{Session, check_scopes, from_seal};
use super::surroundings::fresh_lineage;
use super::undo;
use crate::apply::Home;
use crate::config;
use crate::model::{self, Address, Record, Revocation, Scope, Sealed, SealedKey, visible};
use crate::plan::{Plan, Revoke, Step, Summary};
use crate::ports::KeepRecord;
use crate::report::{Became, Report};
use crate::seal::Keeper;

use decide::Decided;
use ground::Ground;
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
    let ground = interrupt.or(ground::open(args, global, output)).await?;
    let wanted = Wanted { revoke: Revoke { address, only: None, how, reason }, restored: None };
    let ended = revoke_with(&wanted, args, &ground, output, interrupt).await;
    ground.session.close().await;
    ended
}

/// What is to be revoked.
struct Wanted {
    revoke: Revoke,
    /// Its entry from git's history, where the record lost it.
    restored: Option<SealedKey>,
}

impl Wanted {
    /// The record with that entry in it.
    fn record(&self, sealed: &Sealed) -> Sealed {
        let mut sealed = sealed.clone();
        if let Some(entry) = self.restored.clone().filter(|entry| sealed.key(&entry.id).is_none()) {
            sealed.take(Record::Key { key: Box::new(entry) });
        }
        sealed
    }
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
    let ground = interrupt.or(ground::open(args, global, output)).await?;
    let ended = async {
        let sealed = ground.session.sealed()?;
        let identified = leaked::identify(&credential, args, &ground.session, sealed.as_ref(), output);
        match interrupt.or(identified).await? {
            Verdict::Told(exit) => Ok(exit),
            Verdict::Managed(entry) => {
                let (address, id) = (entry.address.clone(), entry.id.clone());
                let is_lost = sealed.is_some_and(|sealed| sealed.key(&id).is_none());
                let restored = is_lost.then_some(*entry);
                let wanted = Wanted { revoke: Revoke { address, only: Some(id), how, reason }, restored };
                revoke_with(&wanted, args, &ground, output, interrupt).await
            }
        }
    };
    let ended = ended.await;
    ground.session.close().await;
    ended
}

fn nobody_to_ask() -> Failure {
    Failure::words(
        Exit::Usage,
        "nobody can be asked here: stdin and stderr are not a terminal",
        "run the same command with `--yes`; `keycomb status` shows the keys",
    )
}

/// Revokes under the lock and with the record written, as far as either can be had.
async fn revoke_with(
    wanted: &Wanted,
    args: &Args,
    ground: &Ground,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let (path, desired) = (&ground.session.sealed_path, &ground.session.desired);
    let opened =
        Keeper::open(path, &desired.team, &desired.endpoint, fresh_lineage(), &carry::holder("revoke"));
    match opened {
        Ok(mut keeper) => carry_out(wanted, args, ground, &mut keeper, preflight, output, interrupt).await,
        Err(error) => {
            // Without a record nothing is known of the key; without a lock or a place to write to it still is.
            let Ok(Some(sealed)) = ground.session.sealed() else { return Err(from_seal(error)) };
            let mut keeper = Unkept::new(wanted.record(&sealed), path.display().to_string());
            let unkept = move |_: &mut Unkept, _: &Plan, _: &Session| Err(from_seal(error));
            carry_out(wanted, args, ground, &mut keeper, unkept, output, interrupt).await
        }
    }
}

fn preflight(keeper: &mut Keeper, plan: &Plan, session: &Session) -> Result<(), Failure> {
    carry::refuse_unproven(keeper, plan, session)?;
    keeper.preflight(&carry::recipients(plan, &session.desired.seal)).map_err(from_seal)
}

/// Decides, shows, asks, revokes. `may_mint` says why the successor cannot be kept, if so: it is left out then.
async fn carry_out<K: KeepRecord>(
    wanted: &Wanted,
    args: &Args,
    ground: &Ground,
    keeper: &mut K,
    may_mint: impl FnOnce(&mut K, &Plan, &Session) -> Result<(), Failure>,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let (address, session) = (&wanted.revoke.address, &ground.session);
    let desired = &session.desired;
    let sealed = wanted.record(keeper.sealed());
    let decided = interrupt.or(decide::decide(&wanted.revoke, session, &sealed, output)).await?;
    let Decided { mut plan, users, unlisted, unmoved, lost } = decided;
    let unmade = ground.is_bare.then(ground::unknown).or(unlisted).or(unmoved);
    if unmade.is_some() {
        without_successor(&mut plan);
    }
    let order = order(args);
    carry::show(&order, &plan, output)?;
    lost::say(&lost, address, session, output);
    if plan.actions.is_empty() {
        output.say(&format!("`{address}` is revoked already, and nothing is left to do"));
        let ended = unmade.map_or(Ok(Exit::Done), Err);
        return graver(ended, if lost.is_empty() { Exit::Done } else { Exit::Unconfirmed });
    }
    brief::before(&plan, desired, &users, unmade.is_none(), output);
    check_scopes(&session.access, &[Scope::KeysWrite])?;
    if !args.yes && !output.interactive {
        return Err(nobody_to_ask());
    }
    if !args.yes {
        interrupt.or(carry::confirm(&format!("Revoke {address}?"), output)).await?;
    }
    let unmade = match unmade {
        Some(failure) => Some(failure),
        None => may_mint(keeper, &plan, session).err().inspect(|_| without_successor(&mut plan)),
    };
    let began = model::Timestamp::now();
    let restored = wanted.restored.clone().filter(|entry| keeper.sealed().key(&entry.id).is_none());
    let kept = restored.map_or(Ok(()), |entry| keeper.append(Record::Key { key: Box::new(entry) }));
    let mut report = match kept {
        Ok(()) => carry::perform(order.home, &plan, session, keeper, output, interrupt).await?,
        // It stops working all the same; what stays is for whoever joins the two files.
        Err(_) => {
            let mut keeper = Unkept::new(sealed, session.sealed_path.display().to_string());
            carry::perform(order.home, &plan, session, &mut keeper, output, interrupt).await?
        }
    };
    report.users = Some(users.clone());
    undo::keep(session, (order.verb, began), (&plan, &report), output);
    let exit = carry::tell(&order, &plan, &report, session, output, interrupt)?;
    brief::after(is_made(&plan, &report), desired, &users, output);
    // Said once more, nearest to where the eye is.
    lost::say(&lost, address, session, output);
    let floor = if lost.is_empty() { exit } else { gravest(exit, Exit::Unconfirmed) };
    match unmade {
        Some(failure) => graver(Err(unfinished(failure, &report, address, output)), floor),
        None => Ok(floor),
    }
}

/// Of two ends the one that counts: that something may be live unsealed or unrevoked, above all else.
fn gravest(one: Exit, other: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Unconfirmed => 3,
        Exit::Done => 0,
        Exit::Partly | Exit::Blocked | Exit::Config => 1,
        _ => 2,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn graver(ended: Result<Exit, Failure>, floor: Exit) -> Result<Exit, Failure> {
    match ended {
        Ok(exit) => Ok(gravest(exit, floor)),
        Err(mut failure) => {
            failure.exit = gravest(failure.exit, floor);
            Err(failure)
        }
    }
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
    plan.actions.retain(|action| matches!(action.step, Step::RevokeKey { .. } | Step::Record(_)));
    plan.summary = Summary::of(&plan.actions, &plan.findings);
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

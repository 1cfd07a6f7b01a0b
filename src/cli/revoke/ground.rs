//! What a revocation stands on: a session, however broken the configuration is beside what it takes.

use crate::cli::args::{Global, Revoke as Args};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::session::{Session, check_scopes, load, parse_endpoint, sealed_file};
use crate::config::{self, Loaded};
use crate::model::Scope;
use crate::seal;

/// A session, and whether a successor can be made in it.
pub(super) struct Ground {
    /// The service, and where the record is.
    pub(super) session: Session,
    /// The configuration cannot be used: nothing is known of it but the team, the service and the sealed file.
    pub(super) is_bare: bool,
}

/// Connects. What is wrong with the configuration is said, and holds nothing up.
///
/// # Errors
/// The configuration's problems, where neither it nor the sealed file tells the team and the service (3); a credential
/// that is none, or of another team (4); an unreachable service (1).
pub(super) async fn open(args: &Args, global: &Global, output: &Output) -> Result<Ground, Failure> {
    let (loaded, is_bare) = match load(global) {
        Ok(loaded) => (loaded, false),
        Err(problems) if problems.exit == Exit::Config => {
            let Some(loaded) = bare(args, global) else { return Err(problems) };
            problems.say(output);
            (loaded, true)
        }
        Err(failure) => return Err(failure),
    };
    let session = Session::connect_for(loaded, global, &args.service, *output).await?;
    session.check_team()?;
    // Environments are read for the successor alone.
    check_scopes(&session.access, &[Scope::KeysRead])?;
    if is_bare {
        let Session { desired, sealed_path, .. } = &session;
        output.say(&format!(
            "warning: the configuration cannot be used as it is. It does not hold this up: the team is `{}` at {}, and `{}` is \
             the record. What a successor needs is not known.",
            desired.team,
            desired.endpoint,
            sealed_path.display()
        ));
    }
    Ok(Ground { session, is_bare })
}

/// What the main file says beyond doubt, and for the rest the sealed file, which belongs to one team and service.
fn bare(args: &Args, global: &Global) -> Option<Loaded> {
    let essentials = config::essentials(&global.config);
    let path = sealed_file(&essentials.folder, &essentials.seal_file, args.service.sandbox);
    let sealed = seal::read(&path, None).ok()??;
    let given = global.endpoint.as_deref().map(|text| parse_endpoint(text.trim().trim_end_matches('/')));
    let team = essentials.team.clone().unwrap_or(sealed.team);
    let endpoint = given.transpose().ok()?.or_else(|| essentials.endpoint.clone()).unwrap_or(sealed.endpoint);
    let folder = essentials.folder.clone();
    Some(Loaded { desired: essentials.declaring_nothing(team, endpoint), folder, files: vec![] })
}

/// Why there is no successor, where the configuration says nothing.
pub(super) fn unknown() -> Failure {
    Failure::words(
        Exit::Config,
        "the configuration cannot be used as it is, so no successor could be made",
        "fix the file (`keycomb check` shows what is wrong) and run the same command again: it makes the successor",
    )
}

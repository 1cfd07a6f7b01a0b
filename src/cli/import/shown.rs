//! What `import terraform` tells, as text.

use super::document::{Document, FileView, LeftView, RotateView, TakenView};
use super::line;
use crate::model::counted;

/// What would be taken over. Nothing was done.
pub(super) fn look(document: &Document) -> String {
    let mut page = vec![heading(document, "to take over")];
    page.extend(taken("To take over", &document.taken, |_| ""));
    let note = |managed: &TakenView| match wants_secret(managed) {
        true => "    keycomb has no secret of it: the one in the state is tried, and sealed if it works\n",
        false => "",
    };
    page.extend(taken("Managed already", &document.managed, note));
    page.extend(files(document));
    page.extend(rest(document));
    if !document.taken.is_empty() || document.managed.iter().any(wants_secret) {
        let how = "Nothing was written. `keycomb import terraform FILE --write imported` takes it over: it writes the \
                   configuration,\nseals the secrets that work, and sends nothing to Honeycomb but reads.\n";
        page.push(how.to_owned());
    }
    page.join("\n")
}

/// What is left to do once it was taken over.
pub(super) fn after(document: &Document) -> String {
    let mut page = vec![heading(document, "taken over")];
    page.extend(not_sealed(document));
    page.extend(rest(document));
    page.join("\n")
}

fn heading(document: &Document, what: &str) -> String {
    let Document { taken, managed, left, others, .. } = document;
    let keys = taken.iter().filter(|taken| taken.address.starts_with("key.")).count();
    let environments = taken.len() - keys;
    format!(
        "Terraform: {} and {} {what}, {} managed already, {} left, {} of other types\n",
        counted(keys, "key"),
        counted(environments, "environment"),
        managed.len(),
        left.len(),
        others
    )
}

/// Whether a managed key has no secret, and the state has it.
fn wants_secret(managed: &TakenView) -> bool {
    managed.secret == "in_state"
}

fn taken(title: &str, all: &[TakenView], note: impl Fn(&TakenView) -> &'static str) -> Option<String> {
    let one = |taken: &TakenView| {
        let note = note(taken);
        let TakenView { address, id, from, standing, .. } = taken;
        let tainted = if *standing == "tainted" { "  (tainted)" } else { "" };
        format!("  {address}  {id}\n    from {from}{tainted}\n{note}")
    };
    section(title, all.iter().map(one))
}

fn not_sealed(document: &Document) -> Option<String> {
    let one = |taken: &TakenView| {
        let untried = "it is sealed, and could not be tried: the key is disabled".to_owned();
        let why = taken.why.clone().or_else(|| (taken.secret == "sealed_untried").then_some(untried))?;
        Some(format!("  {}: {}\n", taken.address, line(&why)))
    };
    section("About secrets in the state", document.taken.iter().chain(&document.managed).filter_map(one))
}

fn files(document: &Document) -> Option<String> {
    let one = |file: &FileView| {
        let (name, text) = (line(&file.name), file.text.trim_end());
        let indent = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") };
        let indented: String = text.lines().map(indent).collect();
        if file.is_new { format!("  {name} is new:\n{indented}") } else { format!("  {name} is changed\n") }
    };
    section("Files with --write", document.files.iter().map(one))
}

fn rest(document: &Document) -> Vec<String> {
    let Document { left, rotate, removed, state_rm, only_state_rm, .. } = document;
    let left_one = |left: &LeftView| {
        let LeftView { from, id, why } = left;
        let id = id.as_deref().map(|id| format!("  {id}")).unwrap_or_default();
        format!("  {from}{id}\n    {why}\n")
    };
    let mut page: Vec<String> = section("Left where it is", left.iter().map(left_one)).into_iter().collect();
    page.extend(to_rotate(rotate));
    if !removed.is_empty() {
        page.push(format!(
            "For the old repository (Terraform from 1.7), in the place of the resource blocks; then `terraform apply`:\n\n{removed}"
        ));
        let title = "With older versions, or OpenTofu without `lifecycle` in `removed`, take the resource blocks out and run";
        page.extend(section(title, state_rm.iter().map(|command| format!("  {command}\n"))));
    }
    let title =
        "Other instances of these resources are left, and a `removed` block would let go of those too; run";
    page.extend(section(title, only_state_rm.iter().map(|command| format!("  {command}\n"))));
    page
}

fn to_rotate(rotate: &[RotateView]) -> Option<String> {
    let lines = rotate.iter().enumerate();
    let lines =
        lines.map(|(at, RotateView { address, why })| format!("  {}. {address}\n     {why}\n", at + 1));
    let text = section("Their secrets lay in the state in clear; rotate them, the most urgent first", lines)?;
    let addresses: Vec<&str> = rotate.iter().map(|view| view.address.as_str()).collect();
    Some(format!("{text}\n  keycomb rotate {}\n", addresses.join(" ")))
}

fn section(title: &str, lines: impl Iterator<Item = String>) -> Option<String> {
    let text: String = lines.collect();
    (!text.is_empty()).then(|| format!("{title}:\n{text}"))
}

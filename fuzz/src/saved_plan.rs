//! A saved plan: one text for each plan, and no other is taken.

use arbitrary::Unstructured;
use keycomb::model::{PlanDigest, Sealed, digest_of};
use keycomb::plan::expected;
use keycomb::saved::{FORMAT, Saved, SealedFile, parse, write};

use super::builders::World;
use super::oracle::{assert_line, assert_lines};
use super::world::world;

/// The input is a text, read as it is and once more with the digest that it should have; and a world, packed by `arbitrary`,
/// whose plan is saved, read, and changed in one byte.
pub fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        assert_taken_or_refused(text);
        assert_taken_or_refused(&signed(text));
    }
    if let Ok(world) = world(&mut Unstructured::new(data)) {
        assert_kept(&saved(&world), data);
    }
}

fn assert_taken_or_refused(text: &str) {
    match parse(text) {
        Ok((saved, _)) => assert_eq!(write(&saved), text, "another text of the same plan"),
        Err(problem) => assert_line(&problem.to_string()),
    }
}

/// A fuzzer finds no digest by itself.
fn signed(text: &str) -> String {
    let body = text.rsplit_once(",\n  \"digest\"").map_or(text, |(body, _)| body);
    format!("{body},\n  \"digest\": \"{}\"\n}}\n", digest_of(body))
}

fn assert_kept(saved: &Saved, data: &[u8]) {
    let text = write(saved);
    assert_lines(&text);
    let (back, _) = parse(&text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    assert_eq!(&back, saved);
    let place =
        data.iter().fold(data.len(), |sum, byte| sum * 31 % 1_000_003 + usize::from(*byte)) % text.len();
    let mut changed = text.into_bytes();
    changed[place] ^= 1;
    let Ok(changed) = String::from_utf8(changed) else { return };
    assert!(parse(&changed).is_err(), "byte {place} has no say");
}

fn saved(world: &World) -> Saved {
    let plan = world.plan();
    let sha256 = |sealed: &Sealed| -> PlanDigest { digest_of(format!("{sealed:?}")) };
    Saved {
        format: FORMAT.into(),
        keycomb: "0.1.0".into(),
        team: world.desired.team.clone(),
        endpoint: world.desired.endpoint.clone(),
        intent: plan.intent(),
        may_be_applied: true,
        made: world.live.now,
        valid_until: world.live.now,
        files: vec![],
        sealed: world.sealed.as_ref().and_then(|sealed| SealedFile::of(sealed, sha256(sealed))),
        recipients: world.desired.seal.recipients.iter().map(|(name, r)| r.named(name)).collect(),
        scopes: vec![],
        objects: expected(&plan, &world.live),
        plan,
    }
}

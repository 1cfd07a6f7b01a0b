//! `[honeycomb]`, `[policy]` and `[defaults.key]`.

use super::collector::Collector;
use super::field::UpTo;
use super::place::{At, Place};
use super::raw::{RawHoneycomb, RawKeyDefaults, RawPolicy, Rotate};
use super::values::Region;
use crate::model::{Endpoint, Limit, Period, Policy, Rotation, TeamSlug};

/// How long a key stays disabled before it is deleted, where no file says.
pub(super) const QUARANTINE: Period = Period::days(14);

/// The team and its endpoint; `None` after having said what is wrong.
pub(super) fn endpoint(place: Place, raw: RawHoneycomb, out: &mut Collector) -> Option<(TeamSlug, Endpoint)> {
    let RawHoneycomb { team, region, endpoint, present } = raw;
    if !present.has("team") {
        out.missing(place, "`team` is missing")
            .label("in this table")
            .help("write `team = \"…\"`, the team's slug");
    }
    if let (Some(region), Some(endpoint)) = (present.place("region"), present.place("endpoint")) {
        out.wrong(endpoint, "both `region` and `endpoint` are given; expected one of them")
            .label("the second")
            .help("`region` names Honeycomb's own endpoints, `endpoint` any other")
            .also(region, "the first");
    }
    let endpoint = match (endpoint, region.map(|region| region.value)) {
        (Some(endpoint), _) => endpoint.value,
        (None, Some(Region::Eu)) => Endpoint::eu(),
        (None, Some(Region::Us) | None) => Endpoint::us(),
    };
    Some((team?.value, endpoint))
}

/// The policy, with its defaults. A percentage comes on top of the number, it does not replace it.
pub(super) fn policy(raw: Option<RawPolicy>) -> Policy {
    let RawPolicy {
        unmanaged,
        on_missing,
        max_delete,
        max_delete_percent,
        max_disable,
        max_disable_percent,
        max_replace,
        max_replace_percent,
        present: _,
    } = raw.unwrap_or_default();
    let default = Policy::default();
    Policy {
        unmanaged: unmanaged.map_or(default.unmanaged, |at| at.value),
        on_missing: on_missing.map_or(default.on_missing, |at| at.value),
        delete: limit(max_delete, max_delete_percent, default.delete),
        disable: limit(max_disable, max_disable_percent, default.disable),
        replace: limit(max_replace, max_replace_percent, default.replace),
    }
}

fn limit(count: Option<At<UpTo<1_000_000>>>, percent: Option<At<UpTo<100>>>, default: Limit) -> Limit {
    Limit {
        count: count.map(|at| at.value.0).or(default.count),
        percent: percent.and_then(|at| u8::try_from(at.value.0).ok()).or(default.percent),
    }
}

/// What keys leave out.
///
/// `enabled` and `protected` are not among it: one word in another file must not switch every key off, nor lift the
/// protection of every key by being taken out.
pub(super) struct KeyDefaults {
    pub(super) rotate: Option<Rotation>,
    pub(super) quarantine: Period,
    pub(super) owner: Option<String>,
}

pub(super) fn key_defaults(raw: Option<RawKeyDefaults>, out: &mut Collector) -> KeyDefaults {
    let RawKeyDefaults { rotate, quarantine, owner, present: _ } = raw.unwrap_or_default();
    KeyDefaults {
        rotate: rotate.and_then(|at| rotation(at, out)),
        quarantine: quarantine.map_or(QUARANTINE, |at| at.value),
        owner: owner.map(|at| at.value.0),
    }
}

/// `None` for `"never"`, and after having said what is wrong.
pub(super) fn rotation(at: At<Rotate>, out: &mut Collector) -> Option<Rotation> {
    let Rotate::Every(raw) = at.value else { return None };
    for key in ["every", "overlap"] {
        if !raw.present.has(key) {
            out.missing(at.place, format!("`{key}` is missing"))
                .label("in this table")
                .help("write both: `rotate = { every = \"90d\", overlap = \"7d\" }`");
        }
    }
    let (every, overlap) = (raw.every?, raw.overlap?);
    if overlap.value >= every.value {
        let message = format!(
            "the overlap of `{}` is not shorter than the `{}` between rotations",
            overlap.value, every.value
        );
        out.wrong(overlap.place, message)
            .label("too long")
            .help("the next rotation would begin before the last one ended");
    }
    let window = raw.window.map(|at| at.value);
    Some(Rotation { every: every.value, overlap: overlap.value, window })
}

//! Did you mean?

/// Above so many candidates nobody is helped, and comparing them all for each of many mistakes takes long.
const MOST_CANDIDATES: usize = 1000;

/// The candidate that `wanted` is most likely a misspelling of, if one is close: one edit in three characters.
pub fn closest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = fold(wanted);
    if wanted.len() > 64 {
        return None;
    }
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        .filter_map(|candidate| {
            let distance = strsim::osa_distance(&wanted, &fold(candidate));
            let shorter = wanted.chars().count().min(candidate.chars().count());
            (distance <= (shorter / 3).max(1)).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean …", or else the choices there are.
pub(super) fn help<'a>(
    wanted: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    if let Some(candidate) = closest(wanted, candidates.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let all: Vec<String> = candidates.into_iter().take(21).map(|c| format!("`{c}`")).collect();
    match all.as_slice() {
        [] => format!("there are no {what}"),
        [only] => format!("{what}: {only}"),
        [first @ .., last] if all.len() <= 20 => format!("{what}: {} and {last}", first.join(", ")),
        [first @ .., _] => format!("{what}: {} and more", first.join(", ")),
    }
}

fn fold(text: &str) -> String {
    text.chars().map(|c| if c == '-' || c == ' ' { '_' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_close() {
        let names = ["production", "staging", "us"];
        assert_eq!(closest("prodution", names), Some("production"));
        assert_eq!(closest("Production", names), Some("production"));
        assert_eq!(closest("su", names), Some("us"));
        assert_eq!(closest("development", names), None);
        assert_eq!(closest("", names), None);
        assert_eq!(closest("run-queries", ["run_queries"]), Some("run_queries"));
    }

    #[test]
    fn names_the_choices_otherwise() {
        assert_eq!(help("x1", "regions", ["us", "eu"]), "regions: `us` and `eu`");
        assert_eq!(help("x1", "environments", []), "there are no environments");
    }
}

//! What a run that broke a rule looks like. No run does, so this one is made up.

use super::*;
use crate::config::{SourceFile, parse};
use crate::rehearse::Broken;

const DECLARED: &str = "version = 1\n[honeycomb]\nteam = \"acme\"\n[seal.recipients]\n\
    ops = \"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"\n\
    [environment.production]\n[key.collector]\nenvironment = \"production\"\ntype = \"ingest\"\n";

fn ran(seed: u64, broken: Vec<Broken>) -> Ran {
    let steps =
        vec!["apply: killed before call 7".to_owned(), "  renamed by hand: `\u{1b}[31mred`".to_owned()];
    Ran { seed, steps, trouble: BTreeMap::from([("killed".to_owned(), 2)]), broken }
}

fn broken(rule: Rule, text: &str, count: usize) -> Broken {
    Broken { rule, text: text.to_owned(), count }
}

/// Two good runs, then one that broke two rules.
fn with_outcome(ran: Vec<Ran>, look: impl FnOnce(&Outcome<'_>)) {
    let file = SourceFile { name: "keycomb.toml".into(), text: DECLARED.into() };
    let desired = parse(vec![file]).unwrap();
    let replay = "keycomb rehearse -c keycomb.toml --seed".to_owned();
    look(&Outcome { tally: tally(&ran), calls: None, ran, desired: &desired, replay });
}

fn failing() -> Vec<Ran> {
    let what = vec![
        broken(Rule::Lost, "`hcxik_1` was released, and \u{202e}", 1),
        broken(Rule::Leaked, "in a file", 32),
    ];
    vec![ran(40, vec![]), ran(41, vec![]), ran(42, what)]
}

#[test]
fn a_broken_rule_exits_1_and_says_what_broke_the_steps_and_the_command_that_replays_it() {
    with_outcome(failing(), |outcome| {
        assert_eq!(outcome.exit(&Interrupt::default()), Exit::Failed);
        let text = outcome.text(false);
        assert!(text.starts_with("3 runs of 1 key\n"), "{text}");
        for (name, number) in [("killed", 6), ("secrets lost", 1), ("leaked bytes", 32), ("came to rest", 2)]
        {
            let line = format!("\n  {name:17}  {number:>6}\n");
            assert!(text.contains(&line), "{line}{text}");
        }
        let story = [
            "\nrun 42\n  apply: killed before call 7\n    renamed by hand: ",
            "\nbroken: secret lost: `hcxik_1` was released, and ",
            "\nbroken: secret leaked: in a file\nreplay: keycomb rehearse -c keycomb.toml --seed 42\n",
        ];
        story.iter().for_each(|part| assert!(text.contains(part), "{part}{text}"));
        // Names are the service's: nothing in them reaches a terminal as it is.
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && !text.contains("run 41"), "{text}");
    });
}

#[test]
fn its_json_carries_the_same() {
    with_outcome(failing(), |outcome| {
        let document = serde_json::to_value(outcome.document()).unwrap();
        let counts = ["runs", "rested", "secrets_lost", "leaked_bytes", "live_unsealed", "not_at_rest"]
            .map(|field| document[field].as_u64().unwrap());
        assert_eq!(counts, [3, 2, 1, 32, 0, 0]);
        let failed = &document["failed"];
        assert_eq!(failed["seed"], 42);
        assert_eq!(failed["broken"][1]["rule"], "secret leaked");
        assert_eq!(failed["steps"][0], "apply: killed before call 7");
        assert_eq!(failed["replay"], "keycomb rehearse -c keycomb.toml --seed 42");
    });
}

#[test]
fn good_runs_exit_0_and_tell_no_story() {
    with_outcome(vec![ran(1, vec![])], |outcome| {
        assert_eq!(outcome.exit(&Interrupt::default()), Exit::Done);
        let text = outcome.text(false);
        assert!(!text.contains("replay") && !text.contains("apply:"), "{text}");
    });
}

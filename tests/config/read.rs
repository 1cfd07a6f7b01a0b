//! What is read from a configuration that is fine.

use std::collections::BTreeSet;

use keycomb::config::parse;
use keycomb::model::{
    Address, Color, Desired, DesiredKey, DriftClass, Endpoint, EnvironmentAttributes, IgnoreMatch, KeyType,
    Label, Limit, OnMissing, Origin, Period, Permission, Policy, Rotation, Unmanaged,
};

use crate::support::{DEV, OPS, SSH, bad, file, good, head, main_file, messages, parse_one};

fn key<'a>(desired: &'a Desired, address: &str) -> &'a DesiredKey {
    &desired.keys[&address.parse::<Address>().unwrap()]
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn sample() -> String {
    format!(
        r#"#:schema ./schema/keycomb.schema.json
version = 1
include = ["keys/*.toml"]

[honeycomb]
team   = "acme"
region = "eu"

[seal]
file = "vault/acme.sealed.toml"
[seal.recipients]
ops         = "{OPS}"
break_glass = "{SSH}"
[seal.environment]
production  = ["break_glass", "ops"]
staging     = ["ops"]

[policy]
unmanaged   = "fail"
on_missing  = "recreate"
max_delete  = 3
max_delete_percent = 20
max_disable = 0
[defaults.key]
rotate      = {{ every = "90d", overlap = "7d" }}
quarantine  = "3w"
owner       = "everybody"

[environment.production]
name = "Production"
description = "two\nlines"
color = "red"
delete_protected = true
[environment.staging]
[environment.legacy]
name = "Legacy stuff"
reference = true

[key.checkout]
environments = ["production", "staging"]
type         = "ingest"
name         = "{{key}} in {{environment}}"
permissions  = ["create_datasets"]
enabled      = false
owner        = "team-checkout"
purpose      = "collects"
consumers    = ["a", "b"]
protected    = true
rotate       = "never"
quarantine   = "36h"
"#
    )
}

const INCLUDED: &str = r#"[key.reader]
environment = "legacy"
type = "configuration"
permissions = ["run_queries", "manage_slos"]
"#;

fn read_sample() -> Desired {
    parse(vec![file("keycomb.toml", sample()), file("keys/reader.toml", INCLUDED)]).unwrap()
}

#[test]
fn the_head_is_read() {
    let desired = read_sample();
    assert_eq!(desired.team.as_str(), "acme");
    assert_eq!(desired.endpoint, Endpoint::eu());
    assert_eq!(desired.seal.file, "vault/acme.sealed.toml");
    assert_eq!(desired.quarantine, Period::days(21));
    assert_eq!(
        desired.policy,
        Policy {
            unmanaged: Unmanaged::Fail,
            on_missing: OnMissing::Recreate,
            delete: Limit { count: Some(3), percent: Some(20) },
            disable: Limit { count: Some(0), percent: None },
            replace: Policy::default().replace,
        }
    );
}

#[test]
fn recipients_are_chosen_by_environment() {
    let desired = read_sample();
    let readers = |environment: &str| {
        let recipients = desired.seal.recipients_of(&label(environment));
        recipients
            .into_iter()
            .map(|(name, recipient)| (name.to_owned(), recipient.to_string()))
            .collect::<Vec<_>>()
    };
    let ssh = SSH.rsplit_once(' ').unwrap().0;
    let ops = ("ops".to_owned(), OPS.to_owned());
    assert_eq!(readers("production"), [ops.clone(), ("break_glass".to_owned(), ssh.to_owned())]);
    assert_eq!(readers("staging"), [ops]);
    assert_eq!(readers("legacy").len(), 2);
    assert_eq!(desired.seal.environments[&label("production")], ["ops", "break_glass"]);
}

#[test]
fn environments_are_read_in_file_order() {
    let desired = read_sample();
    let labels: Vec<&str> = desired.environments.keys().map(Label::as_str).collect();
    assert_eq!(labels, ["production", "staging", "legacy"]);
    let production = &desired.environments[&label("production")];
    assert_eq!(production.name, "Production");
    assert_eq!(
        production.attributes,
        EnvironmentAttributes {
            description: Some("two\nlines".into()),
            color: Some(Color::Red),
            delete_protected: Some(true),
        }
    );
    let staging = &desired.environments[&label("staging")];
    assert_eq!(staging.name, "staging", "the table's name");
    assert!(staging.attributes.is_empty() && !staging.reference);
    let legacy = &desired.environments[&label("legacy")];
    assert!(legacy.reference && legacy.name == "Legacy stuff");
}

#[test]
fn a_key_is_read_into_each_of_its_environments() {
    let desired = read_sample();
    let addresses: Vec<String> = desired.keys.keys().map(Address::to_string).collect();
    assert_eq!(addresses, ["key.production.checkout", "key.staging.checkout", "key.legacy.reader"]);
    let checkout = key(&desired, "key.staging.checkout");
    assert_eq!(checkout.address.to_string(), "key.staging.checkout");
    assert_eq!(checkout.name, "checkout in staging");
    assert_eq!(key(&desired, "key.production.checkout").name, "checkout in production");
    assert_eq!(checkout.key_type, KeyType::Ingest);
    assert_eq!(checkout.permissions, BTreeSet::from([Permission::CreateDatasets]));
    assert!(!checkout.enabled && checkout.protected);
    assert_eq!(checkout.owner.as_deref(), Some("team-checkout"));
    assert_eq!(checkout.purpose.as_deref(), Some("collects"));
    assert_eq!(checkout.consumers, ["a", "b"]);
    assert_eq!(checkout.rotate, None, "never, in spite of the default");
    assert_eq!(checkout.quarantine.to_string(), "36h");
}

#[test]
fn what_a_key_leaves_out_has_a_default() {
    let desired = read_sample();
    let reader = key(&desired, "key.legacy.reader");
    assert_eq!(reader.name, "reader");
    assert!(reader.enabled && !reader.protected);
    assert_eq!(reader.owner.as_deref(), Some("everybody"));
    assert_eq!(
        reader.rotate,
        Some(Rotation { every: Period::days(90), overlap: Period::days(7), window: None })
    );
    assert_eq!(reader.quarantine, Period::days(21));
    assert_eq!((reader.purpose.as_deref(), reader.consumers.len()), (None, 0));
}

#[test]
fn origins_say_where_things_are_written() {
    let desired = read_sample();
    let reader = key(&desired, "key.legacy.reader");
    let at = |line, column| Origin { file: "keys/reader.toml".into(), line, column };
    assert_eq!(reader.origin, at(1, 6));
    let origins: Vec<(&str, Origin)> =
        reader.attribute_origins.iter().map(|(key, origin)| (key.as_str(), origin.clone())).collect();
    assert_eq!(origins, [("environment", at(2, 1)), ("type", at(3, 1)), ("permissions", at(4, 1))]);
    let sample = sample();
    let line = sample.lines().position(|line| line == "[environment.staging]").unwrap() + 1;
    let staging = Origin { file: "keycomb.toml".into(), line, column: 14 };
    assert_eq!(desired.environments[&label("staging")].origin, staging);
}

#[test]
fn columns_count_characters() {
    let text =
        main_file("[key]\n\"a\" = { purpose = \"ääää\", environment = \"production\", type = \"ingest\" }\n");
    let desired = good(&text);
    assert_eq!(key(&desired, "key.production.a").attribute_origins["environment"].column, 27);
}

#[test]
fn the_least_is_a_version_and_a_team() {
    let desired = good("version = 1\n[honeycomb]\nteam = \"acme\"\n");
    assert_eq!(desired.endpoint, Endpoint::us());
    assert_eq!(desired.seal.file, "keycomb.sealed.toml");
    assert_eq!(desired.policy, Policy::default());
    assert_eq!(desired.quarantine, Period::days(14));
    assert!(desired.keys.is_empty() && desired.environments.is_empty());
}

#[test]
fn an_endpoint_takes_the_place_of_a_region() {
    let text = "version = 1\n[honeycomb]\nteam = \"acme\"\nendpoint = \"http://127.0.0.1:8080\"\n";
    assert_eq!(good(text).endpoint.as_str(), "http://127.0.0.1:8080");
}

#[test]
fn one_key_may_be_spread_over_files_but_not_one_address() {
    let key = |environment: &str| format!("[key.web]\nenvironment = \"{environment}\"\ntype = \"ingest\"\n");
    let files =
        |second: &str| vec![file("keycomb.toml", main_file(&key("production"))), file("b.toml", key(second))];
    assert_eq!(parse(files("staging")).unwrap().keys.len(), 2);
    assert_eq!(
        messages(&parse(files("production")).unwrap_err()),
        ["`key.production.web` is declared twice"]
    );
}

#[test]
fn the_same_name_is_fine_for_another_type_or_environment() {
    good(&main_file(
        "[key.a]\nenvironment = \"production\"\ntype = \"ingest\"\nname = \"x\"\n\
         [key.b]\nenvironment = \"production\"\ntype = \"configuration\"\nname = \"x\"\n\
         [key.c]\nenvironment = \"staging\"\ntype = \"ingest\"\nname = \"x\"\n",
    ));
}

#[test]
fn names_may_be_as_long_as_the_service_allows() {
    let name = "é".repeat(100);
    let environment = "東".repeat(255);
    let desired = good(&main_file(&format!(
        "[environment.x]\nname = \"{environment}\"\ndescription = \"{environment}\"\n\
         [key.a]\nenvironment = \"x\"\ntype = \"ingest\"\nname = \"{name}\"\n"
    )));
    assert_eq!(key(&desired, "key.x.a").name, name);
}

#[test]
fn the_length_of_a_name_is_that_of_the_name_filled_in() {
    let name = format!("{}{{environment}}", "x".repeat(91));
    let text = |environment: &str| {
        main_file(&format!(
            "[key.a]\nenvironment = \"{environment}\"\ntype = \"ingest\"\nname = \"{name}\"\n"
        ))
    };
    good(&text("staging"));
    let problems = parse_one(&text("production")).unwrap_err();
    assert_eq!(messages(&problems), ["this has 101 characters; at most 100 are allowed"]);
}

#[test]
fn every_color_and_permission_can_be_written() {
    for color in Color::ALL {
        let desired = good(&main_file(&format!("[environment.x]\ncolor = \"{color}\"\n")));
        assert_eq!(desired.environments[&label("x")].attributes.color, Some(*color));
    }
    for permission in Permission::ALL {
        let desired = good(&main_file(&format!(
            "[key.a]\nenvironment = \"staging\"\ntype = \"configuration\"\npermissions = [\"{permission}\"]\n"
        )));
        assert_eq!(key(&desired, "key.staging.a").permissions, BTreeSet::from([*permission]));
    }
}

#[test]
fn external_keys_are_read() {
    let desired = good(&main_file(
        "[external_key.ops]\nkind = \"management\"\nowner = \"platform\"\ncreated = 2026-01-05\nmax_age = \"90d\"\n\
         source = { env = \"OPS_KEY\" }\n[external_key.board]\nkind = \"configuration\"\n\
         created = \"2026-01-05T08:00:00+01:00\"\nexpires = \"2026-12-31\"\nsource.file = \"/run/secrets/board\"\n",
    ));
    let shown: Vec<String> = desired
        .external_keys
        .values()
        .map(|key| format!("{} {:?} {:?} {:?} {:?}", key.label, key.kind, key.created, key.due(), key.source))
        .collect();
    assert_eq!(
        shown,
        [
            "ops Management Some(2026-01-05T00:00:00Z) Some(2026-04-05T00:00:00Z) Some(Env(\"OPS_KEY\"))",
            "board Configuration Some(2026-01-05T07:00:00Z) Some(2026-12-31T00:00:00Z) Some(File(\"/run/secrets/board\"))",
        ]
    );
    assert!(desired.keys.is_empty(), "they are no managed keys");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_tolerated() {
    let text = format!("\u{feff}{}", main_file("[key.a]\nenvironment = \"staging\"\ntype = \"ingest\"\n"));
    let desired = good(&text.replace('\n', "\r\n"));
    assert_eq!(key(&desired, "key.staging.a").origin.column, 6);
    let problems = parse_one(&format!("\u{feff}{}nonsense = 1\n", "version = 1\r\n")).unwrap_err();
    let found = problems.list().iter().find(|problem| problem.message.contains("nonsense")).unwrap();
    assert_eq!((found.line, found.column), (2, 1));
}

#[test]
fn problems_are_plain_data_for_machines() {
    let problems = bad("[key.web]\nenvironment = \"prodution\"\ntype = \"ingest\"\n");
    let json = serde_json::to_value(&problems).unwrap();
    let line = main_file("").lines().count() + 2;
    assert_eq!(
        json,
        serde_json::json!([{
            "file": "keycomb.toml",
            "line": line,
            "column": 15,
            "message": "key `web` is in environment `prodution`, which no file declares",
            "help": "did you mean `production`?",
        }])
    );
}

#[test]
fn problems_come_in_the_order_of_files_and_lines() {
    let files = vec![
        file("keycomb.toml", main_file("[policy]\nmax_delete = -1\nmax_disable = -1\n")),
        file("a.toml", "[key.a]\ntype = \"x\"\nenvironment = \"nowhere\"\n"),
        file("b.toml", "[environment.b]\ncolor = 1\n"),
    ];
    let problems = parse(files).unwrap_err();
    let places: Vec<(&str, usize)> = problems.list().iter().map(|p| (p.file.as_str(), p.line)).collect();
    let mut sorted = places.clone();
    sorted.sort_by_key(|(file, line)| {
        (["keycomb.toml", "a.toml", "b.toml"].iter().position(|f| f == file), *line)
    });
    assert_eq!(places, sorted);
    assert_eq!(places.len(), 5);
}

#[test]
fn a_broken_file_does_not_make_its_environments_unknown() {
    let files = vec![
        file("keycomb.toml", format!("{}[key.a]\nenvironment = \"elsewhere\"\ntype = \"ingest\"\n", head())),
        file("broken.toml", b"[environment.elsewhere]\n\xff".to_vec()),
    ];
    assert_eq!(
        messages(&parse(files).unwrap_err()),
        ["the file is not UTF-8: the byte at offset 24 does not fit"]
    );
}

#[test]
fn the_same_text_gives_the_same_value() {
    assert_eq!(read_sample(), read_sample());
    assert_ne!(OPS, DEV);
}

#[test]
fn the_other_place_of_a_double_declaration_is_plain_data_too() {
    let key = "[key.web]\nenvironment = \"production\"\ntype = \"ingest\"\n";
    let files = vec![file("keycomb.toml", main_file(key)), file("b.toml", key)];
    let json = serde_json::to_value(parse(files).unwrap_err()).unwrap();
    let line = main_file("").lines().count() + 1;
    let first =
        serde_json::json!({ "file": "keycomb.toml", "line": line, "column": 6, "message": "the first" });
    assert_eq!(json[0]["also"], first);
    assert_eq!((&json[0]["file"], &json[0]["line"]), (&"b.toml".into(), &1.into()));
}

/// With anything quadratic in it this would take minutes.
#[test]
fn ten_thousand_keys_are_read_and_ten_thousand_mistakes_told() {
    let keys = |files: usize, kind: &str| {
        let mut all = vec![file("keycomb.toml", main_file(""))];
        for number in 0..files {
            let keys = (0..1000).map(|key| {
                format!(
                    "[key.k{number}_{key}]\nenvironments = [\"production\"]\ntype = \"{kind}\"\n\
                     name = \"{{key}} of {{environment}}\"\npermissions = [\"create_datasets\"]\nowner = \"team-{key}\"\n"
                )
            });
            all.push(file(&format!("k{number}.toml"), keys.collect::<String>()));
        }
        all
    };
    assert_eq!(parse(keys(10, "ingest")).unwrap().keys.len(), 10_000);
    assert_eq!(parse(keys(10, "ingset")).unwrap_err().list().len(), 10_000);
}

#[test]
fn the_sealed_file_is_a_file_in_the_folder() {
    let text = |path: &str| head().replace("[seal.rec", &format!("[seal]\nfile = '{path}'\n[seal.rec"));
    assert_eq!(good(&text("./vault/./x.toml")).seal.file, "vault/x.toml");
    for path in ["", " ", ".", "./.", "a/", "..", "a/../../b", "/a", "\\\\host\\a", "C:/a", "KEYCOMB.toml"] {
        assert_eq!(parse_one(&text(path)).expect_err(path).list().len(), 1, "{path}");
    }
}

#[test]
fn former_names_are_resolved_in_each_environment() {
    let desired = good(&main_file(
        "[environment.prod]\nreference = true\nmoved_from = \"old\"\n[key.web]\nenvironments = [\"production\", \"staging\"]\n\
         type = \"ingest\"\nmoved_from = \"www\"\n",
    ));
    let from: Vec<String> =
        desired.keys.values().map(|key| key.moved_from.as_ref().unwrap().to_string()).collect();
    assert_eq!(from, ["key.production.www", "key.staging.www"]);
    let moved = desired.environments.values().filter_map(|e| e.moved_from.as_ref());
    assert_eq!(moved.map(|label| label.as_str()).collect::<Vec<_>>(), ["old"]);
}

#[test]
fn rules_that_ignore_drift_are_read() {
    let desired = good(&main_file(
        "[[ignore]]\nmatch = \"key.production.*\"\nclass = \"changed\"\nfield = \"enabled\"\nreason = \"by hand\"\n\
         until = 2026-03-01\n[[ignore]]\nmatch = { id = \"hcxik_01\" }\nreason = \"b\"\n[[ignore]]\nreason = \"c\"\n\
         match = { environment = \"Production\", name = \"terraform-*\" }\n",
    ));
    let [first, second, third] = desired.ignore.as_slice() else { panic!("{:?}", desired.ignore) };
    assert_eq!((first.class, first.field), (Some(DriftClass::Changed), Some("enabled")));
    assert_eq!(first.until, Some("2026-03-01T00:00:00Z".parse().unwrap()));
    assert_eq!((first.reason.as_str(), first.matches.to_string().as_str()), ("by hand", "key.production.*"));
    assert_eq!(second.matches, IgnoreMatch::Id("hcxik_01".into()));
    assert_eq!(third.matches.to_string(), "environment Production, name terraform-*");
    let text = main_file("");
    assert_eq!(first.origin.line, text.lines().count() + 1, "the table's own line");
}

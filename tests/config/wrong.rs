//! What a person sees for each mistake.

use keycomb::config::{SourceFile, parse};

use crate::support::{DEV, OPS, file, head, main_file, render};

/// One test for each: its name, and the files.
macro_rules! refused {
    ($($name:ident: $files:expr;)*) => { $(
        #[test]
        fn $name() {
            let files: Vec<SourceFile> = $files;
            let problems = parse(files).expect_err("it should be refused");
            insta::assert_snapshot!(stringify!($name), render(&problems));
        }
    )* };
}

fn one(text: impl Into<Vec<u8>>) -> Vec<SourceFile> {
    vec![file("keycomb.toml", text)]
}

/// A main file with the usual head and environments.
fn main(rest: &str) -> Vec<SourceFile> {
    one(main_file(rest))
}

/// A main file with one ingest key, and more lines in the key's table.
fn key(lines: &str) -> Vec<SourceFile> {
    main(&format!("[key.web]\nenvironment = \"production\"\ntype = \"ingest\"\n{lines}"))
}

fn with_include(rest: &str, included: &str) -> Vec<SourceFile> {
    let main = format!("include = [\"keys/*.toml\"]\n{}", main_file(rest));
    vec![file("keycomb.toml", main), file("keys/web.toml", included)]
}

refused! {
    empty_file: one("");
    blank_file: one(" \n\n");
    nothing_but_a_comment: one("# to do\n");
    bad_toml: main("[key.web\ntype = \"ingest\"\nname = checkout\n");
    bad_toml_hides_nothing_else: main("[key.web]\nenvironment = \"production\"\ntype = ingest\nenabeld = true\n[policy]\nmax_delete = -1\n");
    unclosed_string: main("[key.web]\nname = \"checkout\n");
    table_twice_in_a_file: main("[key.a]\nenvironment = \"production\"\ntype = \"ingest\"\n[key.a]\n");
    not_utf8: one(b"version = 1\n# caf\xe9\n".to_vec());
    five_megabytes: one(vec![b'#'; 5 * 1024 * 1024]);
    version_from_the_future: one(head().replace("version = 1", "version = 2") + "[vault]\nkind = 3\n");
    version_zero: one(head().replace("version = 1", "version = 0"));
    version_missing: one(head().replace("version = 1", ""));
    version_as_text: one(head().replace("version = 1", "version = \"1\""));
    unknown_keys_at_each_level: one(head().replace("team =", "taem = 1\nteam =").replace("version = 1", "version = 1\nincludes = []")
        + "[seal.environments]\n[policy]\nmax_deletes = 1\n[defaults.keys]\n[environment.production]\ncolour = \"red\"\n\
           [key.web]\nenvironment = \"production\"\ntype = \"ingest\"\npermission = []\nrotate = { evry = \"9d\", every = \"9d\", overlap = \"1d\" }\n");
    unknown_key_like_no_other: key("frobnicate = 1\n");
    unknown_top_table: main("[polcy]\nunmanaged = \"fail\"\n");
    wrong_types: main("[policy]\nmax_delete = \"5\"\nmax_disable = 1.5\nunmanaged = true\n[key.web]\nenvironments = \"production\"\n\
        type = [\"ingest\"]\nenabled = \"true\"\nname = 7\nquarantine = 14\nowner = 1979-05-27\nconsumers = [1, \"ok\"]\nrotate = false\n[key]\nmobile = 3\n");
    moved_from_where_something_still_is: key("moved_from = \"api\"\n[key.api]\nenvironment = \"production\"\ntype = \"ingest\"\nmoved_from = \"web\"\n");
    moved_to_two_places: main("[key.a]\nenvironments = [\"production\", \"staging\"]\ntype = \"ingest\"\nmoved_from = \"old\"\n\
        [key.b]\nenvironment = \"staging\"\ntype = \"ingest\"\nmoved_from = \"old\"\n\
        [environment.x]\nmoved_from = \"production\"\n[environment.y]\nreference = true\nmoved_from = \"z\"\n");
    moved_from_no_label: key("moved_from = \"key.production.api\"\n");
    table_expected: one("version = 1\nhoneycomb = \"acme\"\nseal = []\nenvironment = 1\n");
    team_missing: one("version = 1\n[honeycomb]\n");
    honeycomb_missing: one("version = 1\n");
    team_with_blanks: one("version = 1\n[honeycomb]\nteam = \"Acme Inc\"\n");
    region_and_endpoint: one("version = 1\n[honeycomb]\nteam = \"acme\"\nregion = \"eu\"\nendpoint = \"https://h\"\n");
    region_typo: one("version = 1\n[honeycomb]\nteam = \"acme\"\nregion = \"eu1\"\n");
    endpoint_without_tls: one("version = 1\n[honeycomb]\nteam = \"acme\"\nendpoint = \"http://example.com/v1\"\n");
    unknown_environment: main("[key.web]\nenvironment = \"prodution\"\ntype = \"ingest\"\n");
    unknown_environment_like_no_other: main("[key.web]\nenvironments = [\"production\", \"qa\"]\ntype = \"ingest\"\n");
    no_environment: main("[key.web]\ntype = \"ingest\"\n");
    empty_environments: main("[key.web]\nenvironments = []\ntype = \"ingest\"\n");
    both_environment_and_environments: main("[key.web]\nenvironment = \"production\"\nenvironments = [\"staging\"]\ntype = \"ingest\"\n");
    environment_listed_twice: main("[key.web]\nenvironments = [\"staging\", \"staging\"]\ntype = \"ingest\"\n");
    no_type: main("[key.web]\nenvironment = \"production\"\n");
    type_typo: main("[key.web]\nenvironment = \"production\"\ntype = \"ingst\"\n");
    permission_of_another_type: key("permissions = [\"create_datasets\", \"run_queries\"]\n");
    permission_typo: key("permissions = [\"create_dataset\"]\n");
    permission_twice: key("permissions = [\"create_datasets\", \"create_datasets\"]\n");
    permissions_that_exclude_each_other: main("[key.web]\nenvironment = \"production\"\ntype = \"configuration\"\n\
        permissions = [\"manage_privateBoards\", \"run_queries\", \"visible_team_members\"]\n");
    color_typo: main("[environment.x]\ncolor = \"lightblue\"\n");
    color_unknown: main("[environment.x]\ncolor = \"magenta\"\n");
    color_classic: main("[environment.x]\ncolor = \"classic\"\n");
    address_twice_across_files: with_include(
        "[key.web]\nenvironment = \"production\"\ntype = \"ingest\"\n",
        "# web\n\n[key.web]\nenvironments = [\"staging\", \"production\"]\ntype = \"ingest\"\nname = \"web 2\"\n");
    environment_twice_across_files: with_include("", "[environment.staging]\n");
    one_name_two_keys: main("[key.web]\nenvironment = \"production\"\ntype = \"ingest\"\nname = \"web\"\n\n\n\n\n\n\
        [key.site]\nenvironments = [\"staging\", \"production\"]\ntype = \"ingest\"\nname = \"web\"\n");
    one_name_two_environments: main("[environment.prod]\nname = \"PRODUCTION\"\n");
    key_name_too_long: key(&format!("name = \"{}\"\n", "x".repeat(101)));
    key_name_too_long_in_characters: key(&format!("name = \"{}\"\n", "é".repeat(101)));
    environment_name_too_long: main(&format!("[environment.x]\nname = \"{}\"\n", "東".repeat(256)));
    description_too_long: main(&format!("[environment.x]\ndescription = \"{}\"\n", "d".repeat(256)));
    name_empty: key("name = \"\"\n");
    name_with_blanks_around: key("name = \" web\"\n");
    name_with_a_control_character: key("name = \"we\\u001b[31mb\"\n");
    name_of_a_provisional_key: key("name = \"keycomb-pending.x\"\n");
    placeholder_unknown: key("name = \"{key} {enviroment}\"\n");
    placeholder_unclosed: key("name = \"{key\"\n");
    label_with_blanks: main("[key.\"web shop\"]\nenvironment = \"production\"\ntype = \"ingest\"\n");
    recipient_that_does_not_parse: one(head().replace(OPS, "age1nonsense"));
    recipient_passphrase: one(head().replace(OPS, "passphrase"));
    recipient_of_a_plugin: one(head().replace(OPS, "age1yubikey1qwerty"));
    recipient_of_an_unknown_ssh_kind: one(head().replace(OPS, "ecdsa-sha2-nistp256 AAAAE2VjZHNh"));
    recipient_that_is_an_identity: one(head().replace(OPS, "AGE-SECRET-KEY-1GFE6M5525JKTQ0XAZ2PGQ2GHDPJZTENQFCZG8QF8ZVULMDPJ4YAQAM2XKC"));
    recipients_empty: one("version = 1\n[honeycomb]\nteam = \"acme\"\n[seal.recipients]\n[environment.production]\n[key.web]\nenvironment = \"production\"\ntype = \"ingest\"\n");
    recipients_missing: one("version = 1\n[honeycomb]\nteam = \"acme\"\n[environment.production]\n[key.web]\nenvironment = \"production\"\ntype = \"ingest\"\n");
    more_proven_recipients_than_there_are: one(main_file("[key.web]\nenvironment = \"production\"\ntype = \"ingest\"\n") + "[seal]\nmin_proven = 3\n");
    more_proven_recipients_than_an_environment_has: one(main_file("") + "[seal]\nmin_proven = 2\n[seal.environment]\nproduction = [\"ops\"]\n");
    recipient_twice: one(head().replace(DEV, OPS));
    recipient_name_typo: main("[seal.environment]\nproduction = [\"opps\"]\nstaging = []\n");
    recipients_of_an_unknown_environment: main("[seal.environment]\nstageing = [\"ops\"]\n");
    seal_file_outside: one(head().replace("[seal.rec", "[seal]\nfile = \"../sealed.toml\"\n[seal.rec"));
    seal_file_is_the_configuration: one(head().replace("[seal.rec", "[seal]\nfile = \"./keycomb.toml\"\n[seal.rec"));
    bad_durations: main("[defaults.key]\nquarantine = \"soon\"\nrotate = { every = \"3 months\", overlap = \"90\" }\n");
    negative_durations: main("[defaults.key]\nquarantine = \"-3d\"\nrotate = { every = \"90d\", overlap = \"0s\" }\n");
    durations_below_a_second: main("[defaults.key]\nquarantine = \"100ms\"\nrotate = { every = \"90d\", overlap = \"1.5s\" }\n");
    windows: main("[defaults.key]\nrotate = { every = \"90d\", overlap = \"7d\", window = \"Mon-Fri 09:00-16:00 Europe/Berlim\" }\n[key.a]\nrotate = { every = \"90d\", overlap = \"7d\", window = \"Mon 22:00-02:00 UTC\" }\n[key.b]\nrotate = { every = \"90d\", overlap = \"7d\", window = \"always\" }\n");
    overlap_too_long: key("rotate = { every = \"7d\", overlap = \"1w\" }\n");
    rotation_incomplete: key("rotate = { every = \"7d\" }\n");
    reference_with_attributes: main("[environment.legacy]\nreference = true\nname = \"Legacy\"\ncolor = \"red\"\ndelete_protected = false\n");
    external_keys_without: main("[external_key.a]\nowner = \"x\"\nmax_age = \"90d\"\nsource = {}\n[external_key.b]\nkind = \"managment\"\n");
    external_key_dates: main("[external_key.a]\nkind = \"other\"\ncreated = \"2026-02-30\"\n[external_key.b]\nkind = \"other\"\ncreated = 2026-03-01\n\
        expires = \"2026-02-01T00:00:00Z\"\n[external_key.c]\nkind = \"other\"\ncreated = 2026-03-01T08:00:00\nexpires = 7\n");
    external_key_sources: main("[external_key.a]\nkind = \"other\"\nsource = { env = \"A\", file = \"b\" }\n[external_key.b]\nkind = \"other\"\n\
        source = { env = \"$KEY\" }\n[external_key.c]\nkind = \"other\"\nsource = \"KEY\"\n");
    ignore_without: main("[[ignore]]\n[[ignore]]\nmatch = {}\nreason = \"\"\n[[ignore]]\nmatch = 7\nreason = 7\nuntil = \"soon\"\nforever = true\n");
    ignore_matches: main("[[ignore]]\nmatch = \"hcxik_01\"\nreason = \"a\"\n[[ignore]]\nmatch = \"key.production.[\"\nreason = \"a\"\n[[ignore]]\n\
        match = { id = \"hcxik_01\", name = \"x\" }\nreason = \"a\"\n[[ignore]]\nmatch = { nam = \"x\" }\nreason = \"a\"\n");
    ignore_words: main("[[ignore]]\nmatch = \"key.*\"\nreason = \"a\"\nclass = \"missng\"\n[[ignore]]\nmatch = \"key.*\"\nreason = \"a\"\nfield = \"enable\"\n\
        [[ignore]]\nmatch = \"key.*\"\nreason = \"a\"\nclass = \"missing\"\nfield = \"enabled\"\n");
    ignore_in_an_included_file: with_include("", "[[ignore]]\nmatch = \"key.*\"\nreason = \"a\"\n");
    external_key_twice: with_include("[external_key.a]\nkind = \"other\"\n", "[external_key.a]\nkind = \"other\"\n");
    percent_over_hundred: main("[policy]\nmax_delete_percent = 101\nmax_replace = -1\n");
    policy_typo: main("[policy]\nunmanaged = \"reprot\"\non_missing = \"recreat\"\n");
    include_outside: one(format!("include = [\"/etc/*.toml\", \"../*.toml\", \"keys/../../x.toml\", \"C:\\\\x\", \"keys/\", \"a[\"]\n{}", head()));
    main_tables_in_an_included_file: with_include("", "version = 1\n[policy]\nmax_delete = 1\n[environment.x]\n");
    problems_of_several_files: vec![
        file("keycomb.toml", format!("include = [\"*.toml\"]\n{}", main_file("[environment.x]\ncolor = \"rde\"\n"))),
        file("a.toml", "[key.a]\nenvironment = \"production\"\ntype = \"ingst\"\n"),
        file("b.toml", "[key.b]\nenvironment = \"prod\"\ntype = \"ingest\"\nenabled = 1\n"),
        file("c.toml", b"\xff".to_vec()),
    ];
    secret_in_a_name: key("name = \"hcaik_01k5v7m3t9q4w8x2y6z0a1b2c4k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8\"\n");
    secret_in_a_comment_near_a_mistake: key("enabeld = true # hcxmk_01k5v7m3t9q4w8x2y6z0a1b2c4:k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8\n");
    hostile_text: key("owner = \"a\u{202e}b\" # \u{1b}[2J\n");
    an_endless_line: key(&format!("consumers = [{}]\nenabled = 1\n", "\"service\", 1, ".repeat(3) + &"\"service\", ".repeat(100)));
}

//! The published schema: fresh, fitting every example, and no stricter than the reader.

use std::path::{Path, PathBuf};

use keycomb::config::schema;

use crate::support::{head, main_file, parse_one};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft7::new(&schema()).unwrap()
}

fn json(toml: &str) -> serde_json::Value {
    serde_json::to_value(toml::from_str::<toml::Table>(toml).unwrap()).unwrap()
}

fn toml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            toml_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "toml") && !path.ends_with("keycomb.sealed.toml") {
            found.push(path);
        }
    }
}

/// `UPDATE_SCHEMA=1 cargo test` writes it.
#[test]
fn the_published_schema_is_fresh() {
    let path = root().join("schema/keycomb.schema.json");
    let fresh = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == fresh, "schema/keycomb.schema.json is stale: run the tests with UPDATE_SCHEMA=1");
}

#[test]
fn the_schema_is_a_schema() {
    assert!(jsonschema::draft7::meta::is_valid(&schema()));
}

#[test]
fn every_example_fits_the_schema() {
    let mut files = vec![];
    toml_files(&root().join("examples"), &mut files);
    assert!(files.len() >= 7, "{files:?}");
    let validator = validator();
    for path in files {
        let value = json(&std::fs::read_to_string(&path).unwrap());
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let validator = validator();
    let key = "[key.a]\nenvironment = \"production\"\ntype = \"ingest\"\n";
    for wrong in [
        "[environment.a]\n".to_owned() + "[policy]\n",
        main_file("[polcy]"),
        main_file("[key.a]\nenvironment = \"production\""),
        main_file("[key.a]\ntype = \"ingest\""),
        main_file(&format!("{key}permissions = [\"run\"]")),
        main_file(&format!("{key}environments = [\"staging\"]")),
        main_file(&format!("{key}rotate = \"90d\"")),
        main_file("[environment.x]\ncolor = \"classic\""),
        main_file("[environment.\"a b\"]"),
        main_file("[policy]\nmax_delete_percent = 101"),
        head().replace("version = 1", "version = 2"),
        head().replace("[seal", "region = \"us\"\nendpoint = \"https://h\"\n[seal"),
        main_file("[[ignore]]\nmatch = \"key.*\""),
        main_file("[[ignore]]\nreason = \"a\""),
        main_file("[[ignore]]\nreason = \"a\"\nmatch = {}"),
        main_file("[[ignore]]\nreason = \"a\"\nmatch = { id = \"a\", name = \"b\" }"),
        main_file("[[ignore]]\nreason = \"a\"\nmatch = \"key.*\"\nclass = \"gone\""),
    ] {
        assert!(!validator.is_valid(&json(&wrong)), "{wrong}");
        assert!(parse_one(&wrong).is_err(), "{wrong}");
    }
    assert!(validator.is_valid(&json(&main_file(key))));
    let rules = "[[ignore]]\nreason = \"a\"\nmatch = { environment = \"a\", name = \"b\" }\n[[ignore]]\nreason = \"a\"\n\
        match = \"key.*\"\nclass = \"changed\"\nfield = \"name\"\nuntil = \"2027-01-01\"\n";
    assert!(validator.is_valid(&json(&main_file(rules))) && parse_one(&main_file(rules)).is_ok());
    assert!(validator.is_valid(&json(key)), "an included file has no version");
}

#[test]
fn everything_is_described() {
    fn walk(value: &serde_json::Value, path: &str) {
        if let Some(properties) = value["properties"].as_object() {
            for (key, property) in properties {
                let about = property["description"].as_str().unwrap_or_default();
                assert!(about.len() > 10, "{path}/{key} is not described");
                walk(property, &format!("{path}/{key}"));
                walk(&property["additionalProperties"], &format!("{path}/{key}/*"));
            }
        }
    }
    walk(&schema(), "");
}

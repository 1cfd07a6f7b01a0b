//! The image, and the job in Kubernetes that runs it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_yaml_ng::Value;

use super::{Scratch, read, yaml};

/// (instruction, arguments)
fn instructions() -> Vec<(String, String)> {
    let text = read("ci/Dockerfile");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split_once(' ').unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

/// Docker itself is not asked: what the image is built from and ends as is read.
#[test]
fn the_image_has_one_static_binary_and_nobody_in_particular_runs_it() {
    let all = instructions();
    let of = |name: &str| -> Vec<&str> {
        all.iter().filter(|(known, _)| known == name).map(|(_, rest)| rest.as_str()).collect()
    };
    assert_eq!(of("FROM"), ["rust:1-alpine AS build", "scratch"]);
    let build = of("RUN").into_iter().find(|run| run.starts_with("cargo ")).unwrap();
    let root = env!("CARGO_MANIFEST_DIR");
    let manifest: toml::Table = fs::read_to_string(format!("{root}/Cargo.toml")).unwrap().parse().unwrap();
    let binary = manifest["bin"][0]["name"].as_str().unwrap();
    assert_eq!(build, format!("cargo build --locked --release --bin {binary}"));
    let copied = format!("--from=build /src/target/release/{binary} /usr/local/bin/{binary}");
    assert!(of("COPY").contains(&copied.as_str()));
    let user: Vec<u32> = of("USER")[0].split(':').map(|id| id.parse().unwrap()).collect();
    assert!(user.iter().all(|id| *id > 0), "root");
    let entry: Vec<String> = serde_json::from_str(of("ENTRYPOINT")[0]).unwrap();
    assert_eq!(entry, [format!("/usr/local/bin/{binary}")]);
    let known = ["FROM", "RUN", "WORKDIR", "COPY", "USER", "ENTRYPOINT", "CMD"];
    assert!(all.iter().all(|(name, _)| known.contains(&name.as_str())), "{all:?}");
    let ignored = fs::read_to_string(format!("{root}/.dockerignore")).unwrap();
    assert!(["target", ".git", ".keycomb"].iter().all(|name| ignored.lines().any(|line| line == *name)));
}

#[test]
fn the_cron_job_finds_its_files_and_fails_on_drift() {
    let scratch = Scratch::new();
    let job = yaml("ci/kubernetes-cronjob.yaml");
    assert_eq!(job["kind"], Value::from("CronJob"));
    let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], Value::from(true));
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], Value::from(true));

    // The volumes as folders, in place of the pod's own.
    let root = scratch.team.path("pod");
    let mut mounts = BTreeMap::new();
    for mount in container["volumeMounts"].as_sequence().unwrap() {
        let path = mount["mountPath"].as_str().unwrap();
        let folder = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(&folder).unwrap();
        mounts.insert(mount["name"].as_str().unwrap(), (path, folder));
    }
    let seed = scratch.clone("seed-again");
    for file in ["keycomb.toml", "keycomb.sealed.toml"] {
        fs::copy(seed.join(file), mounts["config"].1.join(file)).unwrap();
    }
    let key = scratch.key(false);
    // Octal for Kubernetes, which reads YAML 1.1; a text for who reads YAML 1.2.
    let mode = u32::from_str_radix(pod["volumes"][1]["secret"]["defaultMode"].as_str().unwrap(), 8).unwrap();
    for (name, value) in [("id", key.id), ("secret", key.secret)] {
        let path = mounts["key"].1.join(name);
        fs::write(&path, value).unwrap();
        // There root owns it and the group of the pod may read it; here it is our own.
        fs::set_permissions(&path, fs::Permissions::from_mode(mode & 0o700)).unwrap();
    }
    let placed = |text: &str| {
        let found = mounts.values().find(|(path, _)| text.starts_with(path));
        found.map_or_else(
            || text.to_owned(),
            |(path, folder)| text.replacen(path, folder.to_str().unwrap(), 1),
        )
    };
    let words: Vec<String> =
        container["args"].as_sequence().unwrap().iter().map(|word| placed(word.as_str().unwrap())).collect();
    let variables: Vec<(String, String)> = container["env"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(|env| (env["name"].as_str().unwrap().to_owned(), placed(env["value"].as_str().unwrap())))
        .collect();
    let run = || scratch.sh(&root, &format!("keycomb {}", words.join(" ")), &variables);
    run().exits(0);
    scratch.team.set_disabled(&scratch.team.key_id("checkout"), true);
    run().exits(2);
}

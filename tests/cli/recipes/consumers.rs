//! Who uses the keys: what each program is given.

use std::fs;
use std::path::PathBuf;

use super::{Scratch, example};
use crate::team::Ran;

struct Consumer {
    scratch: Scratch,
    clone: PathBuf,
    record: PathBuf,
}

impl Consumer {
    fn new() -> Self {
        let scratch = Scratch::new();
        for name in ["kubectl", "docker", "glab", "gh"] {
            scratch.stub("record", name);
        }
        let (clone, record) = (scratch.clone("clone"), scratch.team.path("record"));
        Self { scratch, clone, record }
    }

    fn run(&self, script: &str) -> Ran {
        let identity = self.scratch.team.identity.display();
        let script = script.replace("@ID@", &identity.to_string());
        let record = ("RECORD".to_owned(), self.record.display().to_string());
        self.scratch.sh(&self.clone, &script, &[record])
    }

    fn script(&self, name: &str, arguments: &str) -> String {
        self.run(&format!("'{}' {arguments}", example("consumers").join(name).display())).exits(0);
        fs::read_to_string(&self.record).unwrap()
    }

    fn credential(&self, name: &str) -> String {
        let truth = self.scratch.team.sandbox.truth();
        truth.live_keys().find(|key| key.name == name).unwrap().credential.clone()
    }
}

/// No program is given a credential as an argument: others on the machine see those.
fn assert_hidden(record: &str, credential: &str) {
    let calls = record.split("\n--\n").map(|call| call.trim_start().lines().next().unwrap_or_default());
    for call in calls {
        assert!(!call.contains(credential), "{call}");
    }
}

#[test]
fn kubernetes_gets_a_secret_that_parses() {
    let consumer = Consumer::new();
    let record = consumer.script("kubernetes-secret.sh", "production @ID@ keys");
    let (call, manifest) = record.split_once('\n').unwrap();
    assert_eq!(call, "kubectl apply --server-side --field-manager=keycomb -f -");
    let manifest = manifest.split("\n--\n").next().unwrap();
    let secret: serde_yaml_ng::Value = serde_yaml_ng::from_str(manifest).unwrap();
    assert_eq!(
        (secret["kind"].as_str(), secret["metadata"]["name"].as_str()),
        (Some("Secret"), Some("keys"))
    );
    let data = secret["stringData"].as_mapping().unwrap();
    assert_eq!(data.len(), 2);
    assert_eq!(
        secret["stringData"]["HONEYCOMB_PRODUCTION_CHECKOUT"].as_str(),
        Some(&*consumer.credential("checkout"))
    );
    assert_eq!(
        secret["stringData"]["HONEYCOMB_PRODUCTION_FRONTEND"].as_str(),
        Some(&*consumer.credential("frontend"))
    );
    let odd = consumer.run("keycomb secrets export -i @ID@ --format kubernetes --name 'Not a name'");
    assert_eq!(odd.exit, 64);
}

#[test]
fn docker_gets_one_secret_and_the_service_takes_it_in_place_of_the_last() {
    let consumer = Consumer::new();
    let record = consumer.script("docker-secret.sh", "key.production.checkout @ID@ shop");
    let credential = consumer.credential("checkout");
    let name = "honeycomb-key-production-checkout-1";
    assert!(record.contains(&format!("docker secret create {name} -\n{credential}\n--\n")), "no such call");
    let update = "docker service update --quiet --secret-rm honeycomb-key-production-checkout-0 \
                  --secret-add source=honeycomb-key-production-checkout-1,target=honeycomb shop";
    assert!(record.contains(update), "{}", record.replace(&credential, "…"));
    assert_hidden(&record, &credential);
}

#[test]
fn github_gets_lines_that_it_reads_as_variables() {
    let consumer = Consumer::new();
    let record = consumer.script("github-secrets.sh", "production @ID@ acme/shop live");
    let credential = consumer.credential("checkout");
    assert!(record.starts_with("gh secret set --repo acme/shop --env live --env-file -\n"), "{record}");
    assert!(record.contains(&format!("\nHONEYCOMB_PRODUCTION_CHECKOUT='{credential}'\n")));
    assert_hidden(&record, &credential);
}

#[test]
fn gitlab_gets_one_value_each_and_updates_what_is_there() {
    let consumer = Consumer::new();
    let record = consumer.script("gitlab-variables.sh", "production @ID@ acme/shop");
    let flags = "--repo acme/shop --masked --protected";
    for (verb, name) in [("set", "checkout"), ("update", "frontend")] {
        let variable = format!("HONEYCOMB_PRODUCTION_{}", name.to_uppercase());
        let credential = consumer.credential(name);
        let call = format!("glab variable {verb} {variable} {flags}\n{credential}\n--\n");
        assert!(record.contains(&call), "no call for {name}");
        assert_hidden(&record, &credential);
    }
}

#[test]
fn direnv_has_the_variables_of_an_environment() {
    let consumer = Consumer::new();
    let recipe =
        fs::read_to_string(example("consumers/envrc")).unwrap().replace("--env staging", "--env production");
    let script = format!(
        "watch_file() {{ :; }}\nAGE_IDENTITY='@ID@'\n{recipe}\nsh -c 'printf %s \"$HONEYCOMB_PRODUCTION_CHECKOUT\"'\n"
    );
    assert_eq!(consumer.run(&script).exits(0).stdout, consumer.credential("checkout"));
}

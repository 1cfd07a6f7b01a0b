//! The example's report, made by the binary against a sandbox.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keycomb::sandbox::{ManualClock, Options};

use crate::look::look_everywhere;
use crate::team::{Team, files};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The example with a past: applied two months ago and once since, keys rotated meanwhile, changed by hand, and changes that wait.
struct Acme {
    team: Team,
    clock: Arc<ManualClock>,
}

impl Acme {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new("2026-01-05T09:30:00Z".parse().unwrap()));
        let team = Team::with(Options { clock: clock.clone(), ..Options::default() });
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/acme");
        for file in files(&from) {
            let inside = file.strip_prefix(&from).unwrap();
            if inside.starts_with(".keycomb") {
                continue;
            }
            let target = team.path(inside.to_str().unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(&file, target).unwrap();
        }
        let acme = Self { team, clock };
        let endpoint = format!("endpoint = \"{}\"", acme.team.sandbox.endpoint());
        acme.edit("keycomb.toml", "region = \"eu\"", &endpoint);
        acme
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.team.path(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    fn add(&self, file: &str, more: &str) {
        let path = self.team.path(file);
        fs::write(&path, fs::read_to_string(&path).unwrap() + more).unwrap();
    }

    /// The page that a command makes.
    fn page(&self, arguments: &[&str], exit: i32) -> String {
        let all = [arguments, &["--emit", "html=report.html"]].concat();
        self.team.run(&all).exits(exit);
        fs::read_to_string(self.team.path("report.html")).unwrap()
    }

    fn change_by_hand(&self, id: &str, attributes: &str) {
        let body = format!(r#"{{"data":{{"id":"{id}","type":"api-keys","attributes":{attributes}}}}}"#);
        let (status, said) = self.team.by_hand("PATCH", &format!("/2/teams/acme/api-keys/{id}"), Some(&body));
        assert_eq!(status, 200, "{said}");
    }

    /// Two months of use: (the page of the last apply).
    fn age(&self) -> String {
        self.team.run(&["apply", "--yes"]).exits(0);
        self.clock.advance(31 * DAY);
        self.team.run(&["apply", "--yes", "--allow", "replace=0"]).exits(0);
        self.clock.advance(4 * DAY);
        let page = self.page(&["apply", "--yes"], 0);
        self.clock.advance(20 * DAY);
        page
    }

    /// What others did meanwhile, and what is to come.
    fn disturb(&self) {
        self.team.set_disabled(&self.team.key_id("deploy_markers (staging)"), true);
        let wider = r#"{"permissions":{"run_queries":true,"read_service_maps":true,"manage_boards":true}}"#;
        self.change_by_hand(&self.team.key_id("SLO report (weekly)"), wider);
        self.edit(
            "environments/environments.toml",
            "The next release, with made-up customers",
            "The next release",
        );
        self.edit("keys/web.toml", "[key.storybook]", "[key.preview]");
        self.add("keycomb.toml", "\n[external_key.reconciler]\nkind = \"management\"\nowner = \"team-platform\"\ncreated = \"2025-09-01\"\nmax_age = \"180d\"\n");
        self.add(
            "keycomb.toml",
            "\n[external_key.old_board]\nkind = \"configuration\"\nexpires = \"2026-04-20\"\n",
        );
    }
}

#[test]
fn the_reports_of_the_example_are_in_order() {
    let acme = Acme::new();
    let applied = acme.age();
    acme.disturb();
    look_everywhere("acme-apply", &applied);
    look_everywhere("acme-plan", &acme.page(&["plan"], 0));
    look_everywhere("acme-drift", &acme.page(&["drift"], 2));
}

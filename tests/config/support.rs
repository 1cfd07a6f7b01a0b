//! Texts to configurations, and problems to the text a person sees.

use keycomb::config::{Problems, SourceFile, parse};
use keycomb::model::Desired;
use miette::{GraphicalReportHandler, GraphicalTheme};

/// Public halves of keys that nobody has any more.
pub const OPS: &str = "age1vafha4meuuljlyffasrr7nhh0wnzvlm7cx9cdyfzayd9t9p59pkq46cd6q";
pub const DEV: &str = "age12r777zrwh2l30xcv4u2qlz6h7a3jc0ry8jd59405ld00da8ldq8sk8hk8u";
pub const SSH: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAtwXN8dIMPmS4MCW6YIj8wvh824bSVg1HoJvnlS5/TR break-glass@acme";
pub const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCo9MoZ1S0QIaZB+NXO3gP2uYnID2CqLss5roF8OWtw0C/obvRLPVOMpGpwlYAwZ1IaXBbCv/oe4L8lqVnCF2+Zm1VGipjPo9VxACRQnFCIH7iRTNbgHPy86htfzqJ8zTQzWT/qpmqkr8+ittcp8yetAk5k2HUYnMMlSlsj1box1kPcQiZ7MH8forzV2dv0DNxRHMXOoYh2p0KPHPXP9A7U54aaxtUa5kQPziwb2A0njbcbP2BUJ55dFVffLZhQTNCb8dSRXlYZduJBl0kz3K4KUXgUgPC6Q2PBu+jE8Jl4UpKD+1Quc9RO3xzeRley4CDYF7chAdaRe8spNS/5Voh5";

/// A main file's usual head: version, team, two recipients.
pub fn head() -> String {
    format!(
        "version = 1\n[honeycomb]\nteam = \"acme\"\n[seal.recipients]\nops = \"{OPS}\"\ndev = \"{DEV}\"\n"
    )
}

/// The usual head, two environments, and `rest`.
pub fn main_file(rest: &str) -> String {
    format!("{}[environment.production]\n[environment.staging]\n{rest}", head())
}

pub fn file(name: &str, text: impl Into<Vec<u8>>) -> SourceFile {
    SourceFile { name: name.into(), text: text.into() }
}

pub fn parse_one(text: &str) -> Result<Desired, Problems> {
    parse(vec![file("keycomb.toml", text)])
}

/// What it declares; shows the problems if there are any.
pub fn good(text: &str) -> Desired {
    parse_one(text).unwrap_or_else(|problems| panic!("{}", render(&problems)))
}

/// The problems of a main file with the usual head.
pub fn bad(rest: &str) -> Problems {
    parse_one(&main_file(rest)).expect_err("it should be refused")
}

/// As a terminal 100 characters wide shows it, without colours.
pub fn render(problems: &Problems) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_links(false)
        .render_report(&mut text, problems)
        .unwrap();
    // Trailing blanks would be lost in a snapshot's editor.
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Messages only.
pub fn messages(problems: &Problems) -> Vec<&str> {
    problems.list().iter().map(|problem| problem.message.as_str()).collect()
}

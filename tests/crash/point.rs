//! Where a run is cut off, and what is left of its disk. Both are written as one word, to be given again.

use std::fmt;
use std::str::FromStr;

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// It has left the binary, and nothing of it reaches the service.
    Arrived,
    /// Half of it reaches the service.
    HalfSent,
    /// It was carried out, and nothing of its answer comes back.
    CarriedOut,
    /// Half of its answer comes back.
    HalfAnswered,
    /// All of its answer came back, a moment ago.
    Answered,
}

impl Stage {
    pub const ALL: [Self; 5] =
        [Self::Arrived, Self::HalfSent, Self::CarriedOut, Self::HalfAnswered, Self::Answered];

    fn as_str(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::HalfSent => "half-sent",
            Self::CarriedOut => "carried-out",
            Self::HalfAnswered => "half-answered",
            Self::Answered => "answered",
        }
    }
}

/// A stage of the nth request of a class, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stop {
    pub class: String,
    pub number: usize,
    pub stage: Stage,
}

/// Before the nth call of a system call on one of the record's files, counted from 1; after the one before it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    pub call: String,
    pub number: usize,
    /// What it is done to: `journal`, `new`, `file`, `lock`, `folder`. Only told.
    pub to: String,
}

/// A boundary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    Disk(Call),
    Net(Stop),
}

impl Point {
    /// Boundaries of a kind are attacked alike: the call or the stage, and what it is done to.
    pub fn kind(&self) -> String {
        match self {
            Self::Disk(Call { call, to, .. }) => format!("{call} {to}"),
            Self::Net(Stop { class, stage, .. }) => format!("{} {}", group(class), stage.as_str()),
        }
    }

    /// The same, less finely: the call, or the stage of a reading or a writing.
    pub fn rough_kind(&self) -> String {
        match self {
            Self::Disk(Call { call, .. }) => call.clone(),
            Self::Net(Stop { class, stage, .. }) => {
                let group = if class.starts_with("GET:") { "read" } else { "write" };
                format!("{group} {}", stage.as_str())
            }
        }
    }
}

/// Readings are alike, and so are writings.
fn group(class: &str) -> &str {
    if class.starts_with("GET:") { "GET" } else { class }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(Call { call, number, to }) => write!(f, "{call}.{to}#{number}"),
            Self::Net(Stop { class, number, stage }) => write!(f, "{class}.{}#{number}", stage.as_str()),
        }
    }
}

impl FromStr for Point {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (what, number) = text.rsplit_once('#').ok_or(())?;
        let (first, second) = what.split_once('.').ok_or(())?;
        let number = number.parse().map_err(|_| ())?;
        if !first.contains(':') {
            return Ok(Self::Disk(Call { call: first.into(), number, to: second.into() }));
        }
        let stage = Stage::ALL.into_iter().find(|stage| stage.as_str() == second).ok_or(())?;
        Ok(Self::Net(Stop { class: first.into(), number, stage }))
    }
}

/// What becomes of the disk, and of the request, after the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// Everything stays as it is.
    Kept,
    /// Another machine goes on, with the sealed file as it was before.
    Wiped,
    /// The power was cut: what was written last and not made durable is there in part.
    Torn,
    /// The request that was on its way arrives after the next run.
    Late,
    /// Everything stays; the lists that the next run is shown lack the newest keys.
    Stale,
    /// It is not the end: the connection broke there, and the run goes on.
    Cut,
}

impl Fate {
    pub const ALL: [Self; 6] = [Self::Kept, Self::Wiped, Self::Torn, Self::Late, Self::Stale, Self::Cut];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Wiped => "wiped",
            Self::Torn => "torn",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::Cut => "cut",
        }
    }

    /// The fates that are possible at a boundary.
    pub fn at(point: &Point) -> Vec<Self> {
        match point {
            Point::Disk(Call { call, to, .. }) if call == "fsync" && to != "folder" => {
                vec![Self::Kept, Self::Wiped, Self::Torn, Self::Stale]
            }
            Point::Net(Stop { class, stage: Stage::Arrived, .. }) if !class.starts_with("GET") => {
                vec![Self::Kept, Self::Wiped, Self::Late, Self::Stale, Self::Cut]
            }
            Point::Net(Stop { stage: Stage::Answered, .. }) | Point::Disk(_) => {
                vec![Self::Kept, Self::Wiped, Self::Stale]
            }
            Point::Net(_) => vec![Self::Kept, Self::Wiped, Self::Stale, Self::Cut],
        }
    }
}

//! The rules of the protocol, and what the model finds without each.

use std::fmt;

const DOUBLE_SPEND: &str = "no double spend";
const SILENT_LOSS: &str = "no silent loss: live or reported";
const OLDER_TOKEN: &str = "no older token over a newer one";
const COMES_BACK: &str = "what is removed or replaced does not come back";
const MARKED_LIVE: &str = "a live grant is not marked Reauthorize";
const DROPPED: &str = "the newest answer is not dropped";
const NO_CAUSE: &str = "Unknown has an attempt that explains it";
const NO_REASON: &str = "Unknown is what was sent, or is being cleared";
const LATE_SAVE: &str = "a late save of a dead process is stored";

/// A rule that a patch takes away.
pub(crate) struct Row {
    /// The name for the command line.
    pub(crate) name: &'static str,
    /// The rule.
    pub(crate) what: &'static str,
    /// The patch.
    pub(crate) patch: &'static str,
    /// What the model finds without the rule.
    pub(crate) expected: &'static [Expected],
}

/// What the model finds.
pub(crate) enum Expected {
    /// In this run, this property fails.
    Failure { run: &'static str, property: &'static str },
    /// In these runs, every property holds.
    Nothing { runs: &'static [&'static str] },
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failure { run, property } => write!(f, "fails in `{run}`: {property}"),
            Self::Nothing { runs } => write!(f, "nothing in `{}`", runs.join("`, `")),
        }
    }
}

const fn fails(run: &'static str, property: &'static str) -> Expected {
    Expected::Failure { run, property }
}

const fn nothing(runs: &'static [&'static str]) -> Expected {
    Expected::Nothing { runs }
}

macro_rules! row {
    ($name:literal, $what:literal, [$($expected:expr),* $(,)?]) => {
        Row {
            name: $name,
            what: $what,
            patch: include_str!(concat!("without/", $name, ".txt")),
            expected: &[$($expected),*],
        }
    };
}

/// The rules that the code has.
pub(crate) const ROWS: &[Row] = &[
    row!(
        "attempt",
        "An attempt outlives its lease.",
        [
            fails("small", DOUBLE_SPEND),
            fails("small, a crash", SILENT_LOSS),
            fails("small grace", DOUBLE_SPEND),
            fails("small grace", SILENT_LOSS),
        ]
    ),
    row!(
        "second-look",
        "A process sends the token of the record that its begin replaced.",
        [fails("small", DOUBLE_SPEND), fails("grace", DOUBLE_SPEND), fails("grace", SILENT_LOSS),]
    ),
    row!(
        "generation-on-save",
        "A save that is judged again compares the generation.",
        [
            fails("small, a loss", OLDER_TOKEN),
            fails("strict", DOUBLE_SPEND),
            fails("small, a loss", SILENT_LOSS),
            fails("small grace", OLDER_TOKEN),
            fails("grace", DOUBLE_SPEND),
        ]
    ),
    row!(
        "save-again",
        "A save is judged again over `Unknown` and `Reauthorize`.",
        [
            fails("small, reports", DROPPED),
            fails("small grace, reports", DROPPED),
            nothing(&["everything", "losses"]),
        ]
    ),
    row!(
        "generation-on-mark",
        "A mark that is judged again compares epoch and generation.",
        [fails("small, withdrawn", MARKED_LIVE),]
    ),
    row!(
        "marks-keep-generation",
        "Marks and reports leave the generation alone.",
        [
            fails("small, reports", DROPPED),
            fails("small grace, reports", DROPPED),
            // No false `Unknown`: a process whose begin had no answer finds its attempt by the id,
            // whatever the generation, and clears it.
        ]
    ),
    row!(
        "reseal-keeps-generation",
        "Resealing leaves the generation alone.",
        [
            // Resealing waits for attempts, so that it never meets a save.
            nothing(&["everything", "many losses"]),
        ]
    ),
    row!("reseal-waits", "Resealing waits for attempts.", [fails("small, resealed", LATE_SAVE),]),
    row!(
        "reseal-waits-and-keeps-generation",
        "Both of them.",
        [fails("small, resealed", DROPPED),]
    ),
    row!(
        "epoch",
        "Every rule compares the epoch.",
        [
            fails("small, an insert", COMES_BACK),
            fails("strict", DOUBLE_SPEND),
            fails("small, withdrawn", MARKED_LIVE),
        ]
    ),
    row!(
        "settle-begin",
        "A begin without an answer is repeated until there is one.",
        [fails("small, a loss", NO_REASON), fails("small grace", NO_REASON),]
    ),
    row!(
        "own-clear",
        "A process that has not sent clears its attempt.",
        [fails("small, a loss", NO_REASON), fails("small grace", NO_REASON),]
    ),
    row!(
        "report-starts-over",
        "A report that meets a conflict starts over.",
        [nothing(&["reports"]),]
    ),
    row!(
        "report-starts-over-and-has-an-attempt",
        "A report that meets a conflict starts over, and there is an attempt to report.",
        [fails("small, reports", NO_CAUSE)]
    ),
    row!(
        "tombstone-first",
        "An insert where nothing is writes a tombstone first.",
        [fails("new, no attempts", COMES_BACK), fails("new grant", DOUBLE_SPEND),]
    ),
    row!(
        "fresh-tombstone",
        "A removal that meets a conflict draws another epoch.",
        [fails("removed, two losses", COMES_BACK),]
    ),
    row!(
        "insert-stops",
        "An insert that may have been stored and replaced stops.",
        [fails("removed", COMES_BACK), fails("everything", DOUBLE_SPEND),]
    ),
    row!(
        "fresh-vacancy",
        "A tombstone that is to be inserted over is never repeated.",
        [fails("new, no attempts", COMES_BACK),]
    ),
    row!(
        "gate",
        "Nothing is sent when the lease may end before the answer is stored.",
        [
            nothing(&["everything", "losses"]),
            fails("small grace", DOUBLE_SPEND),
            fails("grace", SILENT_LOSS),
        ]
    ),
    row!(
        "gate-from-the-record",
        "The gate counts from the instant of the attempt.",
        [fails("small grace", DOUBLE_SPEND), fails("small grace", SILENT_LOSS),]
    ),
    row!(
        "same-instants",
        "A swap is repeated with the instants of the first try.",
        [
            fails("small grace", DOUBLE_SPEND),
            fails("small grace", SILENT_LOSS),
            // No false `Unknown`: a process clears its attempt by the id, whatever the instants.
        ]
    ),
    row!(
        "takeover-counts-the-gate",
        "A takeover counts the time until the gate closes.",
        [fails("long grace", DOUBLE_SPEND), fails("long grace", SILENT_LOSS), nothing(&["grace"]),]
    ),
    row!(
        "grace-from-the-first",
        "The grace window counts from the first attempt.",
        [fails("grace", DOUBLE_SPEND), fails("grace", SILENT_LOSS),]
    ),
    row!(
        "rest",
        "A token rests while the requests of other attempts may arrive.",
        [fails("grace", DOUBLE_SPEND), fails("grace", SILENT_LOSS),]
    ),
    row!(
        "rest-from-the-told-time",
        "The rest counts from when the replaced record was read.",
        [fails("grace", DOUBLE_SPEND), fails("grace", SILENT_LOSS),]
    ),
    row!(
        "attempts-go-with-the-generation",
        "A save removes the attempts of others.",
        [nothing(&["everything", "losses"]), fails("grace", NO_REASON),]
    ),
    row!(
        "others-on-mark",
        "A grant with attempts of others is not marked `Reauthorize`.",
        [nothing(&["everything", "losses", "grace and a crash"]),]
    ),
];

/// The rules of the protocol's design that the code cannot be without, and why.
pub(crate) const ABSENT: &[(&str, &str)] = &[
    (
        "a begin is repeated, instead of made void by another write",
        "the machine has no write that changes nothing",
    ),
    (
        "a report needs an attempt, alone",
        "the outcome is reckoned from the attempt: a report that is judged has one",
    ),
    (
        "an outcome that is unknown is reckoned, not written",
        "every run but `reports` and `reports and grace` is without reports",
    ),
    (
        "a tombstone stays while an insert over nothing may come",
        "no insert is over nothing: see tombstone-first",
    ),
    (
        "a process whose answer is lost marks the grant itself",
        "the machine gives the lease up, and everybody reckons the outcome",
    ),
];

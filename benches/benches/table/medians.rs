//! The medians that criterion has left behind.

use std::fs;
use std::path::Path;

use countersign_benches::catalogue::Name;
use countersign_benches::stub::Answer;
use serde::Deserialize;

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// The median of one run in nanoseconds, when it was timed.
pub(crate) fn of(name: Name) -> Option<f64> {
    let benchmark = match name {
        Name::Complete(Answer::RateLimited) => "exchange/complete",
        Name::Minimum(Answer::RateLimited) => "exchange/minimum",
        Name::Oauth2(Answer::RateLimited) => "exchange/oauth2",
        Name::Judge => "judge/judge",
        Name::Verify => "judge/verify",
        Name::Authorize => "authorize/countersign",
        Name::Oauth2Authorize => "authorize/oauth2",
        _ => return None,
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion");
    let file = folder.join(benchmark).join("new/estimates.json");
    let estimates: Estimates = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    Some(estimates.median.point_estimate)
}

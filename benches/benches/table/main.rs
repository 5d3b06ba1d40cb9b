//! Prints what the operations cost side by side, and which goals that meets.
//!
//! Allocations and instructions are counted here; the medians are those that criterion has left
//! behind when it timed the other benchmarks.

mod allocations;
mod cost;
mod goals;
mod instructions;
mod medians;

use std::env;

use cost::{Cost, Costs};
use countersign_benches::catalogue::Name;
use countersign_benches::stub::Answer;

fn main() {
    // `cargo test --benches` asks for a test, and this is none.
    if !env::args().any(|arg| arg == "--bench") {
        return;
    }
    let costs = match Costs::count() {
        Ok(costs) => costs,
        Err(problem) => {
            eprintln!("error: {problem}");
            std::process::exit(1);
        }
    };
    print(&costs);
    goals::print(&costs);
}

fn print(costs: &Costs) {
    println!(
        "\n{:<52}{:>12}{:>14}{:>9}{:>11}",
        "", "allocations", "instructions", "ratio", "median"
    );
    for answer in Answer::ALL {
        println!("exchange of a code, {}", described(answer));
        let minimum = costs.of(Name::Minimum(answer));
        line("Countersign, the callback judged before [1]", costs.exchange(answer), Some(minimum));
        line("oauth2 5.0", costs.of(Name::Oauth2(answer)), Some(minimum));
        line("minimum by hand", minimum, Some(minimum));
        line("the stub, part of each of them", costs.of(Name::Stub(answer)), None);
    }
    println!("judging a callback");
    line("Countersign, from its query", costs.of(Name::Judge), None);
    line("of it verify(), a part of complete()", costs.of(Name::Verify), None);
    println!("authorization URL with PKCE [2]");
    let ours = costs.of(Name::Authorize);
    line("Countersign", ours, Some(ours));
    line("oauth2 5.0", costs.of(Name::Oauth2Authorize), Some(ours));
    println!(
        "\n[1] complete() less verify(): the callback has been read before both, and complete() \
         consumes the flow.\n[2] Random bytes of the system's included; under valgrind SHA-256 \
         runs without the processor's own instructions.\nRatios are of instructions, to the \
         minimum and for the URL to Countersign. Allocations count growing and shrinking too.\n\
         Neither preparing what is consumed nor dropping what is returned is in any line."
    );
    if !costs.has_instructions() {
        println!("instructions: skipped, valgrind is not installed");
    }
}

fn described(answer: Answer) -> &'static str {
    match answer {
        Answer::Bare => "the answer without headers",
        Answer::RateLimited => "with four rate-limit headers",
        Answer::Extended => "with these and two unknown members",
    }
}

fn line(what: &str, cost: Cost, base: Option<Cost>) {
    let instructions = cost.instructions.map(|count| count.to_string()).unwrap_or_default();
    let ratio = base.and_then(|base| cost.ratio_to(base));
    let ratio = ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
    let median = cost.nanoseconds.map(|ns| format!("{:.2} µs", ns / 1000.0)).unwrap_or_default();
    let allocations = cost.allocations;
    println!("  {what:<50}{allocations:>12}{instructions:>14}{ratio:>9}{median:>11}");
}

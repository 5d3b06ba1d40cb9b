//! Runs seeds of the simulator: see the README.

use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use countersign_core::{Clock, SystemClock};
use countersign_simulator::{Report, run};

/// Simulates fleets in virtual time.
#[derive(Parser)]
struct Args {
    /// The seeds, such as `1..100` or `7`.
    #[arg(long, value_parser = seeds, required_unless_present = "for")]
    seeds: Option<Range<u64>>,
    /// For how long, such as `60s`: new seeds, from the time.
    #[arg(long = "for", value_parser = seconds, id = "for", conflicts_with = "seeds")]
    time: Option<Duration>,
    /// The hours of virtual time in which faults strike, for each seed.
    #[arg(long, default_value_t = 4)]
    hours: u32,
    /// Print everything that happens.
    #[arg(long)]
    trace: bool,
    /// Print only the seeds that fail.
    #[arg(long)]
    quiet: bool,
    /// Stop at the first seed that fails.
    #[arg(long)]
    first: bool,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| "not a number".to_owned());
    match text.split_once("..") {
        Some((from, to)) => Ok(number(from)?..number(to)?),
        None => Ok(number(text)?..number(text)?.saturating_add(1)),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').unwrap_or(text).parse();
    number.map(Duration::from_secs).map_err(|_| "not a number of seconds".to_owned())
}

fn main() -> ExitCode {
    let args = Args::parse();
    let began = SystemClock.now();
    let passed = || Duration::try_from(SystemClock.now() - began).unwrap_or_default();
    // So that nobody runs the same seeds each time.
    let first = u64::try_from(began.unix_timestamp()).unwrap_or_default() * 1_000;
    let seeds = args.seeds.clone().unwrap_or(first..u64::MAX);
    let mut reports = Vec::new();
    for seed in seeds {
        if args.time.is_some_and(|time| passed() >= time) {
            break;
        }
        let report = run(seed, args.hours, args.trace);
        let holds = report.holds();
        if !holds || !args.quiet {
            println!("{report}");
        }
        if !holds {
            println!(
                "  repeat it: cargo xtask simulate --seeds {seed} --hours {} --trace",
                args.hours
            );
        }
        reports.push(report);
        if args.first && !holds {
            break;
        }
    }
    print_sum(&reports, passed());
    if reports.iter().all(Report::holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print_sum(reports: &[Report], took: Duration) {
    let sum = |of: &dyn Fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    let hours = sum(&|it| u64::from(it.hours));
    let (refreshes, faults) = (sum(&|it| it.refreshes), sum(&Report::struck));
    println!(
        "\n{} seeds in {:.1} s: {hours} fleet-hours, {refreshes} refreshes ({} an hour), {faults} \
         faults ({} an hour), {} double spends, {} lost and reported, {} lost and not reported, {} \
         expired tokens served, {} seeds failed",
        reports.len(),
        took.as_secs_f64(),
        refreshes / hours.max(1),
        faults / hours.max(1),
        sum(&|it| it.double_spends),
        sum(&|it| it.lost_reported),
        sum(&|it| it.lost_unreported),
        sum(&|it| it.served_expired),
        sum(&|it| u64::from(!it.holds())),
    );
}

//! Runs one operation a number of times, for callgrind to count its instructions.
//!
//! `countersign-instructions <operation> <times>`

use std::env;
use std::hint::black_box;
use std::process::ExitCode;

use countersign_benches::catalogue::{Name, Visitor};
use countersign_benches::operation::{Operation, measured};

struct Times(u32);

impl Visitor for Times {
    type Output = ();

    fn visit<O: Operation>(self, operation: &O) {
        for _ in 0..self.0 {
            let input = black_box(operation.prepare());
            drop(black_box(measured(operation, input)));
        }
    }
}

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let name = args.next().as_deref().and_then(Name::parse);
    let times = args.next().and_then(|times| times.parse().ok());
    match (name, times) {
        (Some(name), Some(times)) => {
            name.visit(Times(times));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: countersign-instructions <operation> <times>; the operations:");
            Name::all().for_each(|name| eprintln!("  {}", name.text()));
            ExitCode::FAILURE
        }
    }
}

//! The goals that Countersign has set itself.

use countersign_benches::catalogue::Name;
use countersign_benches::stub::Answer;

use crate::cost::Costs;

const EXCHANGE_ALLOCATIONS: u64 = 15;
const EXCHANGE_RATIO: f64 = 1.1;
const JUDGE_INSTRUCTIONS: u64 = 3_500;
const AUTHORIZE_ALLOCATIONS: u64 = 6;

/// Says of each goal whether it is met. A goal that is not fails nothing.
pub(crate) fn print(costs: &Costs) {
    println!("\ngoals");
    for answer in Answer::ALL {
        let exchange = costs.exchange(answer);
        let name = answer.name();
        goal(
            Some(exchange.allocations <= EXCHANGE_ALLOCATIONS),
            &format!("exchange, {name}: at most {EXCHANGE_ALLOCATIONS} allocations"),
        );
        goal(
            exchange.ratio_to(costs.of(Name::Minimum(answer))).map(|it| it <= EXCHANGE_RATIO),
            &format!("exchange, {name}: at most {EXCHANGE_RATIO} times the minimum's instructions"),
        );
    }
    goal(
        costs.of(Name::Judge).instructions.map(|count| count <= JUDGE_INSTRUCTIONS),
        &format!("judging a callback: at most {JUDGE_INSTRUCTIONS} instructions"),
    );
    goal(
        Some(costs.of(Name::Authorize).allocations <= AUTHORIZE_ALLOCATIONS),
        &format!("authorization URL with PKCE: at most {AUTHORIZE_ALLOCATIONS} allocations"),
    );
}

fn goal(met: Option<bool>, what: &str) {
    let verdict = match met {
        Some(true) => "met",
        Some(false) => "NOT met",
        None => "not counted",
    };
    println!("  {verdict:<13}{what}");
}

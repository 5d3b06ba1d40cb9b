//! Times the exchange of a code, answered with rate-limit headers as the live service does.

mod timing;

use countersign_benches::stub::Answer;
use countersign_benches::{countersign, minimum, oauth2};

fn main() {
    timing::time("exchange", |group| {
        group
            // It judges the callback, which the others do not: `judge/verify` is what to take off.
            .operation("complete", &countersign::Complete::new(Answer::RateLimited))
            .operation("minimum", &minimum::Exchange::new(Answer::RateLimited))
            .operation("oauth2", &oauth2::Exchange::new(Answer::RateLimited));
    });
}

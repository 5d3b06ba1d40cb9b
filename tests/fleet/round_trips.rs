//! What a refresh costs the store.

use std::collections::HashMap;
use std::time::Duration;

use countersign::Rotation;
use countersign_tests::{Step, TestResult};

use crate::support::{Fleet, LIFETIME};

const TWO: [(Step, u32); 2] = [(Step::Begin, 1), (Step::Save, 1)];
const THREE: [(Step, u32); 3] = [(Step::Load, 1), (Step::Begin, 1), (Step::Save, 1)];

#[test]
fn a_refresh_takes_two_round_trips_of_a_process_that_knows_the_record() -> TestResult {
    for rotation in [Rotation::Strict, Rotation::Never] {
        let fleet = Fleet::new().rotating(rotation);
        let (process, other) = (fleet.process()?, fleet.process()?);
        fleet.run(async {
            let key = fleet.insert(&process, 0).await?;
            process.view.steps();
            for _ in 0..3 {
                fleet.pass(2 * LIFETIME.as_secs()).await;
                fleet.judge(&process.tokens.token(&key).await?)?;
                assert_eq!(process.view.steps(), HashMap::from(TWO), "{rotation:?}");
            }
            // A process that knows nothing of it has to load the record once.
            fleet.pass(2 * LIFETIME.as_secs()).await;
            fleet.judge(&other.tokens.token(&key).await?)?;
            assert_eq!(other.view.steps(), HashMap::from(THREE), "{rotation:?}");
            // What the first one knows is out of date, and a conflict brings what is there.
            fleet.judge(&process.tokens.token(&key).await?)?;
            assert_eq!(process.view.steps().values().sum::<u32>(), 1, "{rotation:?}");
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

/// The instant of an attempt must not be too late where a grace window is counted from it.
#[test]
fn with_a_grace_window_a_record_that_is_older_than_a_lease_is_loaded_first() -> TestResult {
    let window = Duration::from_secs(3600);
    let grace = Rotation::Grace { window, ends_when_child_used: true };
    let fleet = Fleet::new().rotating(grace);
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        process.view.steps();
        fleet.pass(2 * LIFETIME.as_secs()).await;
        let token = process.tokens.token(&key).await?;
        assert_eq!(process.view.steps(), HashMap::from(THREE));
        fleet.pass(40).await;
        process.tokens.reject(&key, &token).await?;
        assert_eq!(process.view.steps(), HashMap::from(TWO), "younger than a lease");
        Ok(())
    })
}

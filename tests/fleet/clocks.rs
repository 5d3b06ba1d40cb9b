//! The clocks of processes need not agree.

use countersign_tests::TestResult;

use crate::support::Fleet;

#[test]
fn g10_processes_whose_clocks_differ_refresh_once_for_each_expiry() -> TestResult {
    let fleet = Fleet::new();
    let mut processes = Vec::new();
    for minutes in [-20, -5, 0, 5, 20] {
        processes.push(fleet.process_with(time::Duration::minutes(minutes), |it| it)?);
    }
    fleet.run(async {
        let key = fleet.adopt(&processes[0], 0).await?;
        for second in (0..24 * 3600).step_by(10) {
            let process = &processes[second / 10 % processes.len()];
            fleet.judge(&process.tokens.token(&key).await?)?;
            fleet.pass(10).await;
        }
        // The first refresh comes early, to be spread; the later ones at nine tenths and more.
        let refreshed = fleet.refreshed(0);
        assert!((24..=28).contains(&refreshed), "{refreshed} refreshes in 24 lifetimes");
        Ok(())
    })
}

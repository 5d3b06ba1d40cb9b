//! What the timed benchmarks share.

use std::path::Path;
use std::time::Duration;

use countersign_benches::operation::Operation;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion};

/// Small enough for all that a batch makes to stay in the cache.
const BATCH: BatchSize = BatchSize::NumIterations(64);

/// A group of operations that are timed one after the other.
pub(crate) struct Group<'a>(BenchmarkGroup<'a, WallTime>);

/// Times a group, by the settings of all groups and then by those of the command line.
pub(crate) fn time(group: &str, operations: impl FnOnce(&mut Group<'_>)) {
    // Where criterion would put them by itself, if it were asked from this package's folder.
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion");
    let mut criterion = Criterion::default()
        .output_directory(&output)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    operations(&mut Group(criterion.benchmark_group(group)));
    criterion.final_summary();
}

impl Group<'_> {
    /// Times one operation: neither preparing its input nor dropping its output.
    pub(crate) fn operation(&mut self, name: &str, operation: &impl Operation) -> &mut Self {
        self.0.bench_function(name, |bencher| {
            bencher.iter_batched(|| operation.prepare(), |input| operation.run(input), BATCH);
        });
        self
    }
}

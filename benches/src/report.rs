//! What the tables that are printed have in common.

/// Says whether a goal is met. One that is not fails nothing.
pub fn goal(met: bool, what: &str) {
    println!("  {:<13}{what}", if met { "met" } else { "NOT met" });
}

/// The middle of these values; 0 when there are none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

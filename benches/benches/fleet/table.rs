//! The table of the costs, and the goals.

use countersign_benches::report::goal;

use crate::args::{Args, GOAL, Size};
use crate::cell::Cell;
use crate::message::Steps;
use crate::server::Kind;

/// The goal for the ratio to the bare round trips of the same number of processes.
const RATIO: f64 = 0.9;

pub(crate) struct Table {
    kind: Kind,
    cold: Option<Steps>,
    cells: Vec<(Size, Cell)>,
}

impl Table {
    /// Prints the head of the table.
    pub(crate) fn new(kind: Kind, description: &str, args: &Args) -> Self {
        println!("\nrefreshes by a fleet: {description}; {} in flight in each process", args.tasks);
        println!(
            "  {:>9}{:>11}{:>12}{:>12}{:>8}{:>16}{:>16}{:>13}",
            "processes", "grants", "a second", "bare", "ratio", "CPU", "bare", "round trips"
        );
        Self { kind, cold: None, cells: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    pub(crate) fn cold(&mut self, steps: Steps) {
        self.cold = Some(steps);
    }

    /// Prints a line.
    pub(crate) fn add(&mut self, size: Size, cell: Cell) {
        println!(
            "  {:>9}{:>11}{:>12.0}{:>12.0}{:>8.3}{:>16}{:>16}{:>13.4}",
            size.processes,
            size.grants,
            cell.ours.a_second,
            cell.bare.a_second,
            cell.ratio,
            cpu(cell.ours.clients, cell.ours.server),
            cpu(cell.bare.clients, cell.bare.server),
            cell.steps.sum() as f64 / cell.refreshes as f64,
        );
        self.cells.push((size, cell));
    }

    /// Prints the notes below the table, and the goals.
    pub(crate) fn goals(&self, args: &Args) {
        println!(
            "Medians of {} rounds of {:?} each; the ratio is that to the bare round trips in the \
             same round. CPU:\nmicroseconds a refresh, of all processes + of the server.",
            args.rounds, args.turn
        );
        let name = self.kind.name();
        if let Some((_, cell)) = self.cells.iter().find(|(size, _)| *size == GOAL) {
            let what = format!(
                "{name}, {} processes: {:.3} of what bare round trips reach, at least {RATIO}",
                GOAL.processes, cell.ratio
            );
            goal(cell.ratio >= RATIO, &what);
        }
        let are_two = |cell: &Cell| {
            let Steps { loads, begins, saves, others } = cell.steps;
            [begins, saves] == [cell.refreshes; 2] && loads == cell.firsts && others == 0
        };
        let all = self.cells.iter().all(|(_, cell)| are_two(cell));
        goal(all, &format!("{name}: two round trips each refresh, and a load for the first"));
        if let Some(steps) = self.cold {
            let is_one = steps == Steps { loads: 1, ..Steps::default() };
            goal(is_one, &format!("{name}: a cold token is one read ({} steps)", steps.sum()));
        }
    }
}

fn cpu(clients: f64, server: Option<f64>) -> String {
    match server {
        Some(server) => format!("{clients:.0} + {server:.0}"),
        None => format!("{clients:.0} + ?"),
    }
}

//! The commands that a server receives, by `MONITOR`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use countersign_redis::redis;

use crate::world::World;

/// The lines since its begin.
pub(crate) struct Monitor {
    lines: BufReader<TcpStream>,
}

impl Monitor {
    pub(crate) fn begin(world: &World) -> Self {
        let host = world.url().trim_start_matches("redis://").trim_end_matches('/');
        let mut stream = TcpStream::connect(host).expect("a connection");
        stream.write_all(b"MONITOR\r\n").expect("told");
        let mut lines = BufReader::new(stream);
        let mut ok = String::new();
        lines.read_line(&mut ok).expect("an answer");
        assert_eq!(ok, "+OK\r\n");
        Self { lines }
    }

    /// Returns the lines of this world so far.
    pub(crate) async fn so_far(&mut self, world: &World) -> Vec<String> {
        let end = format!("the end of {}", world.prefix());
        let _: String = world.ask(redis::cmd("ECHO").arg(&end)).await;
        let mut said = Vec::new();
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).expect("a line");
            if line.contains(&end) {
                return said;
            }
            if line.contains(world.prefix()) {
                said.push(line);
            }
        }
    }
}

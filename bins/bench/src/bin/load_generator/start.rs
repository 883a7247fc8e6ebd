//! Time from the start of a server to its first good answer.

use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::http::{Requests, Session};
use crate::{Outcome, tls};

/// Pause between two attempts to connect.
const LOOK_EVERY: Duration = Duration::from_micros(200);
/// Longest time for a start. A server that needs more has failed.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Args)]
pub(crate) struct StartShape {
    /// The command that starts the server
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

pub(crate) async fn run(requests: Rc<Requests>, shape: &StartShape) -> Outcome<Value> {
    let config = tls::config(false)?;
    let begun = Instant::now();
    let _server = Server(
        Command::new(&shape.command[0])
            .args(&shape.command[1..])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let mut session = loop {
        match Session::open(&requests, &config, None).await {
            Ok(session) => break session,
            Err(error) if begun.elapsed() > PATIENCE => return Err(error),
            Err(_) => thread::sleep(LOOK_EVERY),
        }
    };
    session.exchange(&requests).await?;
    Ok(json!({"first_answer_ms": begun.elapsed().as_secs_f64() * 1000.0}))
}

/// A server that is killed after the measurement.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

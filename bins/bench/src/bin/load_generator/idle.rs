//! Connections that send one request and stay open, while the benchmark measures the memory of the server.

use std::rc::Rc;

use clap::Args;
use serde_json::{Value, json};

use crate::http::{Requests, Session};
use crate::{Outcome, ready, tls};

#[derive(Args)]
pub(crate) struct IdleShape {
    #[arg(long)]
    connections: u32,
}

pub(crate) async fn run(requests: Rc<Requests>, shape: &IdleShape) -> Outcome<Value> {
    let config = tls::config(false)?;
    let mut sessions = Vec::new();
    for _ in 0..shape.connections {
        let mut session = Session::open(&requests, &config, None).await?;
        session.exchange(&requests).await?;
        sessions.push(session);
    }
    ready()?;
    Ok(json!({"connections": sessions.len()}))
}

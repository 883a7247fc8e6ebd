//! Tests of the store from outside, in one binary: they share one PostgreSQL server.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod contract;
mod contract_postgres;
mod copy;
mod damage;
mod older;
mod opening;
mod periods;
mod postgres;
mod postgres_commits;
mod removing_server;
mod restoring;
mod retention;
mod sharing;
mod sign_in_floods;
mod usage;

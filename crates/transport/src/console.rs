mod call;
mod change;
mod cookie;
mod fault;
mod host;
mod html;
mod query;

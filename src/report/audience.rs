//! The report for those who decide: without what only engineers need.

use super::view::Report;

/// Takes out what is not for executives: evidence, policies and steps of single consumers. The verdicts, their reasons, the gaps
/// and all counts stay. Only pages and Markdown are made for an audience; data formats are always whole.
pub fn for_executives(report: &Report) -> Report {
    let mut report = report.clone();
    report.audience = "exec";
    for consumer in report.keys.iter_mut().flat_map(|key| &mut key.consumers) {
        consumer.signals.clear();
        consumer.questions.clear();
        consumer.programs.clear();
        consumer.drivers.clear();
        consumer.addresses.clear();
        consumer.user_agents.clear();
        consumer.permissions.clear();
        consumer.unmapped_calls.clear();
        consumer.session_paths.clear();
        consumer.sample_event_id = None;
        consumer.cut_over = None;
        let replacement = &mut consumer.replacement;
        replacement.trust_policy = None;
        replacement.needs.clear();
        replacement.steps.clear();
    }
    for key in &mut report.keys {
        key.asides.clear();
        key.sessions.paths.clear();
    }
    report.skipped.clear();
    report
}

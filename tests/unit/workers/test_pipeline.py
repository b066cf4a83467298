"""Steps run in order until nothing can be assessed."""

from dataclasses import dataclass, replace

from node.domain.reasons import Reason, ReasonCode
from workers.pipeline import Step, run_steps


@dataclass(frozen=True)
class Trail:
    """Which steps ran."""

    steps: tuple[str, ...] = ()
    reason: Reason | None = None


def step(name: str, reason: Reason | None = None, phase: str = "work") -> Step[Trail]:
    return Step(phase, lambda trail: replace(trail, steps=(*trail.steps, name), reason=reason))


def test_each_step_takes_what_the_one_before_left():
    context, _ = run_steps((step("a"), step("b"), step("c")), Trail())

    assert context.steps == ("a", "b", "c")


def test_steps_after_a_reason_are_left_out():
    reason = Reason(code=ReasonCode.NO_SPINE)

    context, timings = run_steps((step("a", reason), step("b", phase="never")), Trail())

    assert (context.steps, context.reason, set(timings)) == (("a",), reason, {"work"})


def test_time_is_added_up_by_phase():
    clock = iter([0.0, 1.0, 10.0, 13.0, 20.0, 27.0])

    _, timings = run_steps(
        (step("a", phase="load"), step("b", phase="segment"), step("c", phase="segment")),
        Trail(),
        monotonic=lambda: next(clock),
    )

    assert timings == {"load": 1.0, "segment": 10.0}


def test_a_part_of_a_phase_is_told_once_more_by_itself():
    clock = iter([0.0, 1.0, 10.0, 13.0])

    _, timings = run_steps(
        (step("a", phase="segment"), replace(step("b", phase="segment"), part="infer")),
        Trail(),
        monotonic=lambda: next(clock),
    )

    assert timings == {"segment": 4.0, "infer": 3.0}

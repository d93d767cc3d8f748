"""What `LangFuseTracker().status()` says of what is attached."""

from agent_trace import LangFuseTracker, instrument, uninstrument


def test_the_status_tells_what_is_attached_and_what_could_not_be() -> None:
    handle = instrument("json:dumpz", "no_such_module_here:Thing.do")
    try:
        status = LangFuseTracker().status()
        states = {each["entry_point"]: each["state"] for each in status["attached"]}
        assert states["json:dumpz"] == "missing"
        assert any("json:dumpz" in problem for problem in status["attaching_problems"])
        assert states["no_such_module_here:Thing.do"] == "waiting"
    finally:
        uninstrument(handle)
    assert "no_such_module_here:Thing.do" not in {
        each["entry_point"] for each in LangFuseTracker().status()["attached"]
    }

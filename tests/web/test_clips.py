from harken.web.clips import Clip, Clips


def test_clips_do_not_pile_up():
    now = [0.0]
    clips = Clips(most_bytes=10, lives_s=60.0, clock=lambda: now[0])
    for n in range(4):
        clips.keep(str(n), Clip("a", "audio/ogg", b"xxxx"))
    assert [clips.get(str(n), room="a") is not None for n in range(4)] == [False, False, True, True]
    now[0] = 61.0
    assert clips.get("3", room="a") is None


def test_a_clip_is_for_one_room():
    clips = Clips()
    clips.keep("1", Clip("a", "audio/ogg", b"x"))
    assert clips.get("1", room="b") is None
    assert clips.get("2", room="a") is None

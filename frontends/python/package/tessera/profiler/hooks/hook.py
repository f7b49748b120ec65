# hook.py - hooks of sessions, and which of them run
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations


class Hook:
    """Base of what ``start(hook=…)`` takes: ``enter`` and ``exit`` are called around launches, with the launch's metadata, ``activate`` and
    ``deactivate`` when a session with it starts or goes on, and ends or pauses. Hooks of a higher ``priority`` enter first and exit last."""

    priority = 0

    def init_handle(self, module, function, name, metadata_group, hash):
        raise NotImplementedError

    def enter(self, metadata):
        raise NotImplementedError

    def exit(self, metadata):
        raise NotImplementedError

    def activate(self):
        raise NotImplementedError

    def deactivate(self):
        raise NotImplementedError


class HookManager:
    """Hooks by session: ``session_hooks`` has number -> {hook: whether the session is active}, ``active_hooks`` those that run."""

    active_hooks = []
    session_hooks = {}

    @staticmethod
    def init_handle(module, function, name, metadata_group, hash):
        for hook in HookManager.active_hooks:
            hook.init_handle(module, function, name, metadata_group, hash)

    @staticmethod
    def enter(metadata):
        for hook in HookManager.active_hooks:
            hook.enter(metadata)

    @staticmethod
    def exit(metadata):
        for hook in reversed(HookManager.active_hooks):
            hook.exit(metadata)

    @staticmethod
    def _update():
        """Runs what an active session asks for, and nothing else."""
        from tessera.knobs import runtime
        wanted = {hook: None for hooks in HookManager.session_hooks.values() for hook, active in hooks.items() if active}
        ended = [hook for hook in HookManager.active_hooks if hook not in wanted]
        begun = [hook for hook in wanted if hook not in HookManager.active_hooks]
        chains = ((runtime.kernel_load_end_hook, HookManager.init_handle), (runtime.launch_enter_hook, HookManager.enter),
                  (runtime.launch_exit_hook, HookManager.exit))
        if bool(HookManager.active_hooks) != bool(wanted):
            for chain, call in chains:
                (chain.add if wanted else chain.remove)(call)
        HookManager.active_hooks[:] = sorted(wanted, key=lambda hook: -hook.priority)
        for hook in ended:
            hook.deactivate()
        for hook in begun:
            hook.activate()

    @staticmethod
    def _set_active(session, active):
        for number in list(HookManager.session_hooks) if session is None else [session]:
            hooks = HookManager.session_hooks.get(number, {})
            hooks.update(dict.fromkeys(hooks, active))
        HookManager._update()

    @staticmethod
    def activate(session=None):
        HookManager._set_active(session, True)

    @staticmethod
    def deactivate(session=None):
        HookManager._set_active(session, False)

    @staticmethod
    def register(hook, session):
        HookManager.session_hooks.setdefault(session, {})[hook] = True
        HookManager._update()

    @staticmethod
    def unregister(session=None):
        if session is None:
            HookManager.session_hooks.clear()
        else:
            HookManager.session_hooks.pop(session, None)
        HookManager._update()

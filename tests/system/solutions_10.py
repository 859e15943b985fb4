"""Solutions of module 10: wrong ones that its checkpoint must refuse, unusual ones it must accept."""

from solutions import Unusual, Wrong

SGD_DECAY = (
    "        if self.weight_decay:\n            g = g + self.weight_decay * p\n"
    "        if self.momentum:\n"
)
STATE = "        self.memory: list[dict[str, np.ndarray]] = [{} for _ in self.params]\n"
STEP = """            p, kept = self.params[place].data, self.remembered(place)
            for part in parts(p.shape):
                cut = {name: array[part] for name, array in kept.items()}
                self.update(p[part], g[part], cut, self.steps[place])
"""
ROOT = "        root = np.sqrt(square) / math.sqrt(1 - beta2**step) + self.eps\n"
MOVE = "        p -= self.lr / (1 - beta1**step) * mean / root\n"
PULL = "        p *= 1 - self.lr * self.weight_decay\n        self.move(p, g, kept, step)\n"

WRONG: dict[str, dict[str, Wrong]] = {
    "10_optimizers": {
        "a state of another kind": Wrong(
            '        mine = {"kind": type(self).__name__, "parameters"',
            '        mine = {"kind": str(plain(state.get("kind", ""))), "parameters"',
            "test_saving_and_going_on",
            "nothing was raised, expected ValueError",
        ),
        "uphill": Wrong(
            "        p -= self.lr * g\n",
            "        p += self.lr * g\n",
            "test_steps_by_hand",
            "p: largest difference",
        ),
        "a new array that nobody sees": Wrong(
            "        p -= self.lr * g\n",
            "        p = p - self.lr * g\n",
            "test_steps_by_hand",
            "p: largest difference",
        ),
        "momentum that dampens": Wrong(
            "            velocity += g\n            g = g",
            "            velocity += (1 - self.momentum) * g\n            g = g",
            "test_momentum",
            "step 1 of SGD(lr=0.1, momentum=0.5)",
        ),
        "the learning rate inside the velocity": Wrong(
            "            velocity += g\n            g = g + self.momentum * velocity if self.nesterov else velocity\n"
            "        p -= self.lr * g\n",
            "            velocity += self.lr * g\n"
            "            g = self.lr * g + self.momentum * velocity if self.nesterov else velocity\n"
            "        else:\n            g = self.lr * g\n"
            "        p -= g\n",
            "test_momentum",
            "step 2 of SGD(momentum=0.5)",
        ),
        "velocity forgotten": Wrong(
            "            velocity *= self.momentum\n            velocity += g\n            g = g",
            "            velocity = velocity * self.momentum + g\n            g = g",
            "test_momentum",
            "step 2 of SGD(lr=0.1, momentum=0.5)",
        ),
        "nesterov looks back": Wrong(
            "g = g + self.momentum * velocity if self.nesterov else velocity",
            "g = g - self.momentum * velocity if self.nesterov else velocity",
            "test_nesterov",
            "step 1 of SGD(lr=0.1, momentum=0.5, nesterov=True)",
        ),
        "nesterov looks ahead along the old velocity": Wrong(
            "            velocity *= self.momentum\n            velocity += g\n"
            "            g = g + self.momentum * velocity if self.nesterov else velocity\n",
            "            old = velocity.copy()\n"
            "            velocity *= self.momentum\n            velocity += g\n"
            "            g = g + self.momentum * old if self.nesterov else velocity\n",
            "test_nesterov",
            "step 1 of SGD(lr=0.1, momentum=0.5, nesterov=True)",
        ),
        "nesterov from the whole velocity": Wrong(
            "g = g + self.momentum * velocity if self.nesterov else velocity",
            "g = velocity + self.momentum * velocity if self.nesterov else velocity",
            "test_nesterov",
            "step 2 of SGD(lr=0.1, momentum=0.5, nesterov=True)",
        ),
        "nesterov without momentum is accepted": Wrong(
            "        if nesterov and not self.momentum:\n            raise ValueError(",
            "        if nesterov and not self.momentum:\n            str(",
            "test_nesterov",
            "nothing was raised, expected ValueError",
        ),
        "weight decay after momentum": Wrong(
            SGD_DECAY,
            "        if self.weight_decay:\n            p *= 1 - self.lr * self.weight_decay\n"
            "        if self.momentum:\n",
            "test_weight_decay",
            "step 2 of SGD(lr=0.1, weight_decay=0.5, momentum=0.5)",
        ),
        "weight decay that lets weights grow": Wrong(
            SGD_DECAY,
            SGD_DECAY.replace("g + self", "g - self"),
            "test_weight_decay",
            "step 1 of SGD(lr=0.1, weight_decay=0.5)",
        ),
        "a step changes the gradients": Wrong(
            SGD_DECAY,
            SGD_DECAY.replace("g = g +", "g +="),
            "test_gradients",
            "p.grad: largest difference",
        ),
        "gradients stay after zero_grad": Wrong(
            "        for parameter in self.params:\n            parameter.grad = None\n",
            "        for parameter in self.params:\n            parameter.grad = parameter.grad\n",
            "test_gradients",
            "p.grad is None and idle.grad is None: SGD.zero_grad() leaves gradients",
        ),
        "gradients become zeros": Wrong(
            "        for parameter in self.params:\n            parameter.grad = None\n",
            "        for parameter in self.params:\n"
            "            parameter.grad = Tensor(np.zeros_like(parameter.data))\n",
            "test_gradients",
            "p.grad is None and idle.grad is None: SGD.zero_grad() leaves gradients",
        ),
        "eps inside the root of rmsprop": Wrong(
            "        move = g / (np.sqrt(square) + self.eps)\n",
            "        move = g / np.sqrt(square + self.eps)\n",
            "test_rmsprop",
            "step 1 of RMSprop(lr=0.1, alpha=0.5, eps=0.5)",
        ),
        "the square of the mean": Wrong(
            "        square += (1 - self.alpha) * g * g\n",
            "        square += (1 - self.alpha) * g\n        square = square * square\n",
            "test_rmsprop",
            "step 1 of RMSprop()",
        ),
        "a mean of the past alone": Wrong(
            "        square *= self.alpha\n        square += (1 - self.alpha) * g * g\n"
            "        move = g / (np.sqrt(square) + self.eps)\n",
            "        move = g / (np.sqrt(square) + self.eps)\n"
            "        square *= self.alpha\n        square += (1 - self.alpha) * g * g\n",
            "test_rmsprop",
            "step 1 of RMSprop()",
        ),
        "momentum of the gradients of rmsprop": Wrong(
            "            velocity *= self.momentum\n            velocity += move\n            move = velocity\n",
            "            velocity *= self.momentum\n            velocity += g\n"
            "            move = velocity / (np.sqrt(square) + self.eps)\n",
            "test_rmsprop",
            "step 2 of RMSprop(lr=0.1, alpha=0.5, momentum=0.5)",
        ),
        "shares of rmsprop the wrong way round": Wrong(
            "        square *= self.alpha\n        square += (1 - self.alpha) * g * g\n",
            "        square *= 1 - self.alpha\n        square += self.alpha * g * g\n",
            "test_rmsprop",
            "step 1 of RMSprop()",
        ),
        "adam without correction": Wrong(
            ROOT + MOVE,
            "        root = np.sqrt(square) + self.eps\n        p -= self.lr * mean / root\n",
            "test_first_step_of_adam",
            "p: largest difference",
        ),
        "only the first mean is corrected": Wrong(
            ROOT,
            "        root = np.sqrt(square) + self.eps\n",
            "test_first_step_of_adam",
            "p: largest difference",
        ),
        "only the second mean is corrected": Wrong(
            MOVE,
            "        p -= self.lr * mean / root\n",
            "test_first_step_of_adam",
            "p: largest difference",
        ),
        "corrected as if each step were the first": Wrong(
            ROOT + MOVE,
            (ROOT + MOVE).replace("**step", "**1"),
            "test_adam",
            "step 2 of Adam()",
        ),
        "steps counted from 0": Wrong(
            "self.update(p[part], g[part], cut, self.steps[place])",
            "self.update(p[part], g[part], cut, self.steps[place] - 1)",
            "test_first_step_of_adam",
            "ZeroDivisionError: float division by zero",
        ),
        "the corrected means are remembered": Wrong(
            ROOT,
            "        mean /= 1 - beta1**step\n        mean *= 1 - beta1**step if step == 1 else 1\n"
            + ROOT,
            "test_adam",
            "step 2 of Adam()",
        ),
        "eps inside the root of adam": Wrong(
            ROOT,
            "        root = np.sqrt(square / (1 - beta2**step) + self.eps)\n",
            "test_first_step_of_adam",
            "p: largest difference",
        ),
        "eps added before the correction": Wrong(
            ROOT,
            "        root = (np.sqrt(square) + self.eps) / math.sqrt(1 - beta2**step)\n",
            "test_first_step_of_adam",
            "p: largest difference",
        ),
        "betas the wrong way round": Wrong(
            "        beta1, beta2 = self.betas\n",
            "        beta2, beta1 = self.betas\n",
            "test_adam",
            "step 2 of Adam(lr=0.1)",
        ),
        "weight decay of adam inside adamw": Wrong(
            PULL,
            "        super().update(p, g, kept, step)\n",
            "test_adamw",
            "step 1 of AdamW(lr=0.1, betas=(0.5, 0.8), weight_decay=0.5)",
        ),
        "weight decay of adamw inside adam": Wrong(
            "            g = g + self.weight_decay * p\n        self.move(p, g, kept, step)\n",
            "            p *= 1 - self.lr * self.weight_decay\n        self.move(p, g, kept, step)\n",
            "test_weight_decay_of_adam",
            "step 1 of Adam(lr=0.1, betas=(0.5, 0.8), weight_decay=0.5)",
        ),
        "both pulls in adamw": Wrong(
            PULL,
            "        p *= 1 - self.lr * self.weight_decay\n        super().update(p, g, kept, step)\n",
            "test_adamw",
            "step 2 of AdamW(lr=0.1, betas=(0.5, 0.8), weight_decay=0.5)",
        ),
        "the pull of adamw without the learning rate": Wrong(
            PULL,
            PULL.replace("self.lr * ", ""),
            "test_adamw",
            "step 1 of AdamW()",
        ),
        "the pull of adamw after its step": Wrong(
            PULL,
            "        self.move(p, g, kept, step)\n        p *= 1 - self.lr * self.weight_decay\n",
            "test_adamw",
            "step 1 of AdamW(lr=0.1, betas=(0.5, 0.8), weight_decay=0.5)",
        ),
        "one memory for all optimizers": Wrong(
            STATE,
            "        Optimizer.shared = getattr(Optimizer, 'shared', [{} for _ in range(99)])\n"
            "        self.memory = Optimizer.shared\n",
            "test_memories",
            "p: largest difference",
        ),
        "one memory for all parameters": Wrong(
            STATE,
            "        self.memory = [{}] * len(self.params)\n",
            "test_memories",
            "q: largest difference",
        ),
        "one count of steps for all parameters": Wrong(
            "            self.steps[place] += 1\n",
            "            self.steps = [max(self.steps) + (place == 0)] * len(self.steps)\n",
            "test_without_a_gradient",
            "late: largest difference",
        ),
        "a fourth array": Wrong(
            '        return "exp_avg", "exp_avg_sq"\n',
            '        return "exp_avg", "exp_avg_sq", "moves"\n',
            "test_memory_of_optimizers",
            "Adam() keeps 3.0 times the bytes of its parameters, expected 2",
        ),
        "gradients are kept": Wrong(
            "        if self.weight_decay:\n            g = g + self.weight_decay * p\n        if self.momentum:\n",
            "        self.seen = [*getattr(self, 'seen', ()), g.copy()]\n"
            "        if self.weight_decay:\n            g = g + self.weight_decay * p\n        if self.momentum:\n",
            "test_memory_of_optimizers",
            "SGD(momentum=0.9) keeps 2.0 times the bytes of its parameters, expected 1",
        ),
        "a memory in float64": Wrong(
            "                kept[name] = np.zeros_like(like)\n",
            "                kept[name] = np.zeros(like.shape)\n",
            "test_memory_of_optimizers",
            "SGD(momentum=0.9) keeps 2.0 times the bytes of its parameters, expected 1",
        ),
        "no gradient counts as zeros": Wrong(
            "            if parameter.grad is None:\n                continue\n",
            "            if parameter.grad is None:\n"
            "                parameter.grad = Tensor(np.zeros_like(parameter.data))\n",
            "test_without_a_gradient",
            "late: largest difference",
        ),
        "no gradient ends the step": Wrong(
            "            if parameter.grad is None:\n                continue\n",
            "            if parameter.grad is None:\n                break\n",
            "test_without_a_gradient",
            "late: largest difference",
        ),
        "the last rows stay where they are": Wrong(
            "range(0, shape[0], rows))\n",
            "range(0, shape[0] - rows + 1, rows))\n",
            "test_shapes_and_dtypes",
            "p: largest difference",
        ),
        "parameters become rows": Wrong(
            STEP,
            STEP + "            self.params[place].data = np.atleast_2d(p)\n",
            "test_steps_by_hand",
            "p: got shape (1, 2), expected (2,)",
        ),
        "scalars become vectors": Wrong(
            STEP,
            STEP + "            self.params[place].data = np.atleast_1d(p)\n",
            "test_steps_by_hand",
            "q: got shape (1,), expected ()",
        ),
        "weights grow to float64": Wrong(
            STEP,
            STEP + "            self.params[place].data = p.astype(np.float64)\n",
            "test_shapes_and_dtypes",
            "p: got dtype float64, expected float32",
        ),
        "the learning rate of numpy widens": Wrong(
            STEP,
            "            p, kept = self.params[place].data.astype(type(p_lr := self.lr) and np.float64), "
            "self.remembered(place)\n            self.update(p, g, kept, self.steps[place])\n"
            "            self.params[place].data = p\n",
            "test_shapes_and_dtypes",
            "p: got dtype float64, expected float32",
        ),
        "the order of memory is mistaken": Wrong(
            STEP,
            "            p, kept = self.params[place].data.ravel('K'), self.remembered(place)\n"
            "            flat = {name: array.ravel('K') for name, array in kept.items()}\n"
            "            self.update(p, g.ravel(), flat, self.steps[place])\n"
            "            p = p.reshape(g.shape)\n"
            "            self.params[place].data = p\n"
            "            for name, array in flat.items():\n                kept[name][...] = array.reshape(g.shape)\n",
            "test_shapes_and_dtypes",
            "p: largest difference",
        ),
        "the arrays of the beginning are kept": Wrong(
            STEP,
            "            if not hasattr(self, 'arrays'):\n"
            "                self.arrays = [q.data for q in self.params]\n"
            "            p, kept = self.arrays[place], self.remembered(place)\n"
            "            self.update(p, g, kept, self.steps[place])\n"
            "            self.params[place].data = p\n",
            "test_somebody_sets_the_weights",
            "p: largest difference",
        ),
        "the learning rate of the beginning is kept": Wrong(
            "        p -= self.lr * g\n",
            "        self.first = getattr(self, 'first', self.lr)\n        p -= self.first * g\n",
            "test_momentum",
            "step 2 of SGD(momentum=0.5)",
        ),
        "a state that goes on changing": Wrong(
            '{f"{place}.{name}": array.copy() for name, array in kept}',
            '{f"{place}.{name}": array for name, array in kept}',
            "test_states_are_copies",
            "loaded: largest difference",
            "Optimizer.step",
        ),
        "a state that is taken over as it is": Wrong(
            "            array[...] = state[key]\n",
            "            self.memory[place][key.partition('.')[2]] = np.asarray(state[key])\n",
            "test_states_are_copies",
            "loaded_again: largest difference",
        ),
        "a state without steps": Wrong(
            '        self.steps[place] = int(plain(state[f"{place}.step"]))\n',
            "        self.steps[place] = 1\n",
            "test_saving_and_going_on",
            "q: largest difference",
        ),
        "a state without memory": Wrong(
            "            array[...] = state[key]\n",
            "            pass\n",
            "test_saving_and_going_on",
            "q: largest difference",
        ),
        "settings are not restored": Wrong(
            "        vars(self).update(vars(fresh))\n",
            "        self.steps, self.memory = fresh.steps, fresh.memory\n",
            "test_saving_and_going_on",
            "q: largest difference",
        ),
        "a state of other parameters is loaded": Wrong(
            "            if (found := plain(state.get(name, expected))) != expected:\n",
            "            if name == 'kind' and (found := plain(state.get(name, expected))) != expected:\n",
            "test_saving_and_going_on",
            "nothing was raised, expected ValueError or RuntimeError or KeyError or IndexError",
        ),
        "a state that only pickle can store": Wrong(
            "        return state\n",
            "        state['settings'] = self.settings\n        return state\n",
            "test_saving_and_going_on",
            "value: got ('lr', 'momentum', 'nesterov', 'weight_decay'), expected bool or int or float or str or list or ndarray",
        ),
        "negative settings are accepted": Wrong(
            "    if not least <= value < below:\n",
            "    if not value < below:\n",
            "test_what_is_refused",
            "nothing was raised, expected ValueError",
        ),
        "means that keep everything are accepted": Wrong(
            '    "betas": (float, 0, 1, ',
            '    "betas": (float, 0, 2, ',
            "test_what_is_refused",
            "nothing was raised, expected ValueError",
        ),
        "nothing to learn is accepted": Wrong(
            "    if not found:\n        raise",
            "    if found is None:\n        raise",
            "test_what_is_refused",
            "nothing was raised, expected ValueError",
        ),
        "a refusal without the value": Wrong(
            '        raise ValueError(f"{reason}, got {value!r}")\n',
            "        raise ValueError('wrong setting')\n",
            "test_what_is_refused",
            "the message of ValueError should name -0.1; it is: 'wrong setting'",
        ),
        "a parameter that appears twice is moved twice": Wrong(
            "        if (first := places.setdefault(id(parameter), place)) != place:\n",
            "        if (first := places.setdefault(place, place)) != place:\n",
            "test_what_is_refused",
            "p: largest difference",
        ),
        "a rate that falls in every step": Wrong(
            "self.gamma ** (epoch // self.step_size)",
            "self.gamma ** (epoch / self.step_size)",
            "test_step_lr",
            "np.array(rates_of(schedule, optimizer, 9)): largest difference",
        ),
        "a rate that falls faster and faster": Wrong(
            "        return self.initial_lr * self.gamma ** (epoch // self.step_size)\n",
            "        return self.optimizer.lr * self.gamma ** (epoch // self.step_size)\n",
            "test_step_lr",
            "np.array(rates_of(schedule, optimizer, 9)): largest difference",
        ),
        "a rate that falls one step late": Wrong(
            "        self.optimizer.lr = self.rate(self.last_epoch + 1)\n        self.last_epoch += 1\n",
            "        self.optimizer.lr = self.rate(self.last_epoch)\n        self.last_epoch += 1\n",
            "test_step_lr",
            "np.array(rates_of(schedule, optimizer, 9)): largest difference",
        ),
        "a rate that falls before the first step": Wrong(
            "        return self.initial_lr * self.gamma ** (epoch // self.step_size)\n",
            "        return self.initial_lr * self.gamma ** ((epoch + 1) // self.step_size)\n",
            "test_step_lr",
            "np.array(rates_of(schedule, optimizer, 9)): largest difference",
        ),
        "a whole cosine": Wrong(
            "(1 + math.cos(math.pi * share)) / 2",
            "(1 + math.cos(2 * math.pi * share)) / 2",
            "test_cosine_annealing",
            "np.array(found): largest difference",
        ),
        "a cosine that ends one step late": Wrong(
            "epoch / self.T_max)\n        ###",
            "epoch / (self.T_max + 1))\n        ###",
            "test_cosine_annealing",
            "np.array(found): largest difference",
        ),
        "a cosine without its floor": Wrong(
            "between(self.initial_lr, self.eta_min, epoch",
            "between(self.initial_lr, 0, epoch",
            "test_cosine_annealing",
            "np.array(found): largest difference",
        ),
        "one cycle with its top a step late": Wrong(
            "        top = self.pct_start * self.total_steps - 1\n",
            "        top = self.pct_start * self.total_steps\n",
            "test_one_cycle",
            "np.array(rates_of(schedule, optimizer, total)): largest difference",
        ),
        "one cycle that ends at its beginning": Wrong(
            "first / self.final_div_factor, share",
            "first, share",
            "test_one_cycle",
            "np.array(rates_of(schedule, optimizer, total)): largest difference",
        ),
        "one cycle around the rate of the optimizer": Wrong(
            "        first, last = self.max_lr / self.div_factor, self.total_steps - 1\n",
            "        first, last = self.initial_lr, self.total_steps - 1\n",
            "test_one_cycle",
            "np.array(rates_of(schedule, optimizer, total)): largest difference",
        ),
        "one cycle without an end": Wrong(
            "        if epoch > self.total_steps:\n            raise ValueError(",
            "        if epoch > self.total_steps:\n            str(",
            "test_one_cycle",
            "nothing was raised, expected ValueError",
        ),
        "a schedule begins anew": Wrong(
            '        for name in ("initial_lr", "last_epoch", *self.settings):\n',
            '        for name in ("initial_lr", *self.settings):\n',
            "test_schedules_go_on",
            "np.array(rates_of(resumed, other, 4)): largest difference",
        ),
        "a schedule forgets where the rate began": Wrong(
            '        for name in ("initial_lr", "last_epoch", *self.settings):\n',
            '        for name in ("last_epoch", *self.settings):\n',
            "test_schedules_go_on",
            "np.array(rates_of(resumed, other, 4)): largest difference",
        ),
        "small gradients are stretched": Wrong(
            "    if share < 1:\n",
            "    if share >= 0:\n",
            "test_clipping",
            "p.grad: largest difference",
        ),
        "each gradient is clipped for itself": Wrong(
            "    if share < 1:\n        for g in gradients:\n            g *= share\n",
            "    for g in gradients:\n        g *= min(1.0, max_norm / (float(np.linalg.norm(g)) + 1e-6))\n",
            "test_clipping",
            "p.grad: largest difference",
        ),
        "each number is clipped for itself": Wrong(
            "    if share < 1:\n        for g in gradients:\n            g *= share\n",
            "    for g in gradients:\n        np.clip(g, -max_norm, max_norm, out=g)\n",
            "test_clipping",
            "p.grad: largest difference",
        ),
        "lengths are added up": Wrong(
            "    length = math.hypot(*(float(np.linalg.norm(g)) for g in gradients))\n",
            "    length = sum(float(np.linalg.norm(g)) for g in gradients)\n",
            "test_clipping",
            "np.array(float(length)): largest difference",
        ),
        "the length after clipping": Wrong(
            "    return length\n",
            "    return min(length, max_norm)\n",
            "test_clipping",
            "np.array(float(length)): largest difference",
        ),
        "weights are clipped instead": Wrong(
            "gradients = [parameter.grad.data for parameter in once",
            "gradients = [parameter.data for parameter in once",
            "test_clipping",
            "np.array(float(length)): largest difference",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {
    "10_optimizers": {
        "new arrays instead of old ones": Unusual(
            (
                (
                    STEP,
                    "            q, kept = self.params[place], self.remembered(place)\n"
                    "            p = q.data.copy()\n"
                    "            self.update(p, g, kept, self.steps[place])\n"
                    "            q.data = p\n",
                ),
            )
        ),
        "everything in float64 in between": Unusual(
            (
                (
                    STEP,
                    "            p, kept = self.params[place].data, self.remembered(place)\n"
                    "            wide = p.astype(np.float64)\n"
                    "            self.update(wide, g.astype(np.float64), kept, self.steps[place])\n"
                    "            p[...] = wide\n",
                ),
            )
        ),
        "one flat array for all that is remembered": Unusual(
            (
                (
                    "                kept[name] = np.zeros_like(like)\n",
                    "                if not hasattr(self, 'flat'):\n"
                    "                    sizes = [p.size for p in self.params]\n"
                    "                    count, dtypes = len(self.buffers()), [p.dtype for p in self.params]\n"
                    "                    self.flat = np.zeros(count * sum(sizes), np.result_type(*dtypes))\n"
                    "                    self.taken = 0\n"
                    "                mine = self.flat[self.taken : self.taken + like.size]\n"
                    "                self.taken += like.size\n"
                    "                kept[name] = mine.reshape(like.shape)\n",
                ),
            )
        ),
        "the first velocity is the gradient, as in PyTorch": Unusual(
            (
                (
                    "            velocity *= self.momentum\n            velocity += g\n            g = g",
                    "            if step == 1:\n                velocity[...] = g\n"
                    "            else:\n"
                    "                velocity[...] = self.momentum * velocity + g\n            g = g",
                ),
            )
        ),
        "corrected means": Unusual(
            (
                (
                    ROOT + MOVE,
                    "        m, v = mean / (1 - beta1**step), square / (1 - beta2**step)\n"
                    "        p -= self.lr * m / (v**0.5 + self.eps)\n",
                ),
            )
        ),
        "means as steps towards the gradient": Unusual(
            (
                (
                    "        mean *= beta1\n        mean += (1 - beta1) * g\n",
                    "        mean += (1 - beta1) * (g - mean)\n",
                ),
                (
                    "        square *= beta2\n        square += (1 - beta2) * g * g\n",
                    "        square += (1 - beta2) * (g * g - square)\n",
                ),
            )
        ),
        "adamw without adam": Unusual(
            (
                (
                    PULL,
                    "        pull = self.lr * self.weight_decay * p\n"
                    "        self.move(p, g, kept, step)\n"
                    "        p -= pull\n",
                ),
            )
        ),
        "a parameter that appears twice is counted once": Unusual(
            (
                (
                    "    found, places = list(params), {}\n",
                    "    found, places = list({id(p): p for p in params}.values()), {}\n",
                ),
            )
        ),
        "rates from rate to rate, as in PyTorch": Unusual(
            (
                (
                    "        return self.initial_lr * self.gamma ** (epoch // self.step_size)\n",
                    "        if epoch == 0 or epoch % self.step_size:\n"
                    "            return self.optimizer.lr\n"
                    "        return self.optimizer.lr * self.gamma\n",
                ),
            )
        ),
        "clipping into new arrays": Unusual(
            (
                (
                    "    if share < 1:\n        for g in gradients:\n            g *= share\n",
                    "    for parameter in once if share < 1 else ():\n"
                    "        if parameter.grad is not None:\n"
                    "            parameter.grad = Tensor(parameter.grad.data * share)\n",
                ),
            )
        ),
        "one root of one sum": Unusual(
            (
                (
                    "    length = math.hypot(*(float(np.linalg.norm(g)) for g in gradients))\n",
                    "    length = math.sqrt(sum(float((g * g).sum()) for g in gradients))\n",
                ),
                (
                    "    share = max_norm / (length + 1e-6)\n",
                    "    share = max_norm / max(length, 1e-12)\n",
                ),
            )
        ),
        "errors in PyTorch's words": Unusual(
            (
                (
                    '        raise ValueError(f"{reason}, got {value!r}")\n',
                    "        raise ValueError(f'Invalid {name} value: {value}')\n",
                ),
            )
        ),
        "a state of more than it needs": Unusual(
            (
                (
                    "        if unexpected := state.keys() - known:\n",
                    "        if unexpected := set():\n",
                ),
                (
                    "        return state\n",
                    "        return state | {'version': 1, 'shapes': [str(p.shape) for p in self.params]}\n",
                ),
            )
        ),
    },
}

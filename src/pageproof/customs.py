"""What calls do to the values they meet, by the customs of Python and PyTorch.

Used where code is read and not run. A name is that of a function or method, whatever
it belongs to: `append` changes its list, `item` gives a number, `backward` changes
gradients.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Methods that change what they are called on.
CHANGES_ITSELF = _words(
    "append appendleft extend insert remove pop popleft popitem clear update discard "
    "setdefault sort reverse write writelines"
)
CHANGES_WHAT_IT_HOLDS = _words(
    "step load_state_dict train eval manual_seed set_state close share_memory "
    "add_module register_forward_hook register_forward_pre_hook "
    "register_full_backward_hook register_hook register_buffer register_parameter "
    "set_epoch requires_grad_"
)
CHANGES_GRADIENTS = _words("backward zero_grad clip_grad_norm_ clip_grad_value_")
READS_GRADIENTS = _words("grad step") | CHANGES_GRADIENTS

# Calls whose result shares nothing with what they were given.
GIVES_PLAIN = _words(
    "item tolist len float int str bool repr type isinstance issubclass hasattr "
    "numel size dim format join equal allclose isclose id hash range perf_counter "
    "count index print split rsplit splitlines strip startswith endswith "
    "element_size data_ptr"
)
GIVES_FRESH = _words(
    "clone sum abs max min round mean std var norm all any sqrt exp log deepcopy dot "
    "cumsum prod median quantile argmax argmin softmax log_softmax logsumexp sigmoid "
    "tanh relu matmul mm mv"
)
GIVES_WHAT_IT_IS_GIVEN = _words(
    "list dict tuple set frozenset sorted partial copy cast iter enumerate zip map "
    "filter reversed chain cycle islice next as_tensor from_numpy asarray reshape "
    "squeeze unsqueeze transpose permute unbind chunk tensor_split movedim flatten "
    "ravel detach diagonal atleast_2d broadcast_to expand nullcontext"
)
PLAIN_ATTRIBUTES = _words("shape dtype device ndim is_leaf requires_grad __name__")

# What is used up as it is read.
ITERATORS = _words("iter enumerate zip map filter reversed chain cycle islice open")
USED_UP = ITERATORS | _words("Generator default_rng Random RandomState")

# Calls that draw from torch's own generator unless they are given one.
DRAWS = _words(
    "rand randn randint randperm rand_like randn_like randint_like normal bernoulli "
    "multinomial poisson dropout normal_ uniform_ bernoulli_ exponential_ random_ "
    "kaiming_uniform_ kaiming_normal_ xavier_uniform_ xavier_normal_ trunc_normal_ "
    "orthogonal_ Linear Bilinear Embedding Conv1d Conv2d RNN LSTM GRU "
    "MultiheadAttention TransformerEncoderLayer random_split sample rsample"
)
DRAWS_WHEN_USED = _words("Dropout DataLoader RandomSampler WeightedRandomSampler")
SEEDS = _words("manual_seed seed set_rng_state")
SETS = (
    "set_",
    "use_",
)  # how the functions begin that set something for all that follows


def changes_in_place(method: str) -> bool:
    """Whether a method is one of PyTorch's that end in an underscore."""
    return method.endswith("_") and not method.startswith("_")
